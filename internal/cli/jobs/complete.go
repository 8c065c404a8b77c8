package jobs

import (
	"strings"

	"github.com/spf13/cobra"
)

// completeList offers names for a list that is parted by commas, without those that it has.
func completeList(names []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		before := typed[:strings.LastIndex(typed, ",")+1]
		var values []cobra.Completion
		for _, name := range names {
			if !strings.Contains(","+before, ","+name+",") {
				values = append(values, before+name)
			}
		}
		return values, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
}

func falling(names []string) (keys []string) {
	for _, name := range names {
		keys = append(keys, "-"+name)
	}
	return keys
}
