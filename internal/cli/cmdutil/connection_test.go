package cmdutil

import (
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/d365backup/d365backup/config"
)

// TestNoSecretIsAFlag: flags are visible in the list of processes, so none of them takes a secret.
func TestNoSecretIsAFlag(t *testing.T) {
	var connection Connection
	cmd := &cobra.Command{Use: "test"}
	connection.AddFlags(cmd)
	secrets := map[string]bool{}
	for _, s := range config.Settings() {
		secrets[s.Name] = s.Secret
	}
	for _, name := range []string{"client-secret", "certificate-password"} {
		if !secrets[name] {
			t.Errorf("%s is not marked as a secret", name)
		}
	}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if secrets[f.Name] {
			t.Errorf("--%s takes a secret", f.Name)
		}
	})
}
