package cli

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/d365backup/d365backup/internal/cli/cmdutil"
	"github.com/d365backup/d365backup/sandbox"
)

// rehearsals are the faults that "sandbox --fault" can play.
var rehearsals = []struct {
	fault   sandbox.Fault
	meaning string
}{
	{sandbox.WrongDataCenter(), "404, as from another data center"},
	{sandbox.UnlicensedProduct(), "404, as for a tenant without the product"},
	{sandbox.MissingPermission(), "403, as for an app without the permission"},
	{sandbox.V1Replaced(), "404 from version v1; its successor works"},
	{sandbox.ExpiredSecret(), "no token: the client secret has expired"},
	{sandbox.Throttled(3, time.Second), "429 to the first 3 requests, to retry after 1s"},
	{sandbox.ServerError(1_000_000, http.StatusServiceUnavailable), "503 to every request"},
	{sandbox.LoginPage(), "a web page, as from a proxy that requires a login"},
	{sandbox.EmptyObject(), "{} instead of a list of jobs"},
	{sandbox.Latency(time.Second), "every response to a request for jobs takes 1s longer"},
	{sandbox.ClockSkew(time.Hour), "the service's clock is 1h ahead"},
}

// addFaultFlag adds a flag for a list of faults, and a list of them to the help.
func addFaultFlag(cmd *cobra.Command, faults *[]sandbox.Fault) {
	var list strings.Builder
	var names []string
	for _, r := range rehearsals {
		names = append(names, r.fault.Name)
		fmt.Fprintf(&list, "  %-20s%s\n", r.fault.Name, r.meaning)
	}
	cmd.Long += "\n\nWith --fault it plays faults, to rehearse an outage:\n\n" + strings.TrimRight(list.String(), "\n")
	value := cmdutil.NewValue("faults", "", func(text string) (err error) {
		*faults, err = parseFaults(text)
		return err
	})
	cmd.Flags().Var(value, "fault", "comma-separated `names` of faults to play")
	_ = cmd.RegisterFlagCompletionFunc("fault", cmdutil.CompleteList(names))
}

// parseFaults returns the faults with these names, separated by commas.
func parseFaults(text string) (faults []sandbox.Fault, err error) {
	for name := range strings.SplitSeq(text, ",") {
		var names []string
		found := false
		for _, r := range rehearsals {
			names = append(names, r.fault.Name)
			if r.fault.Name == strings.TrimSpace(name) {
				faults, found = append(faults, r.fault), true
			}
		}
		if !found {
			return nil, errors.New("use some of " + strings.Join(names, ", "))
		}
	}
	return faults, nil
}
