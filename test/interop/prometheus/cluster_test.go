//go:build interop

package prometheus

import (
	"fmt"
	"maps"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// cluster is two Prometheus servers and two exporters, with deploy/prometheus/sharded.yml.
type cluster struct {
	t         *testing.T
	tenants   *tenants
	exporters [2]*program
	servers   [2]*program
	folders   [2]string // of the servers' configurations
}

func startCluster(t *testing.T, profiles int) *cluster {
	t.Helper()
	c := &cluster{t: t, tenants: startTenants(t, profiles)}
	for i := range c.exporters {
		c.exporters[i] = c.tenants.exporter(t)
	}
	for i := range c.servers {
		c.folders[i] = t.TempDir()
		c.configure(i, read(t, filepath.Join(deploy, "prometheus", "sharded.yml")))
		c.servers[i] = start(t, exec.Command("prometheus", "--config.file="+filepath.Join(c.folders[i], "prometheus.yml"),
			"--storage.tsdb.path="+filepath.Join(c.folders[i], "data"), "--web.listen-address=127.0.0.1:0"))
	}
	return c
}

var (
	interval = regexp.MustCompile(`(_interval|_timeout|for): \d+[smh]`)
	shard    = regexp.MustCompile(`(__tmp_shard\], regex:|shard:) '0'`)
)

// configure writes the configuration of a server. Addresses and intervals are those of the test.
func (c *cluster) configure(server int, config string) {
	for i, exporter := range c.exporters {
		config = strings.ReplaceAll(config, fmt.Sprintf("exporter-%d:10365", i), exporter.address())
	}
	config = shard.ReplaceAllString(config, fmt.Sprintf("$1 '%d'", server))
	config = interval.ReplaceAllString(config, "$1: 2s")
	rules := interval.ReplaceAllString(read(c.t, filepath.Join(deploy, "prometheus", "alerts.yaml")), "$1: 0s")
	write(c.t, filepath.Join(c.folders[server], "prometheus.yml"), config)
	write(c.t, filepath.Join(c.folders[server], "alerts.yaml"), rules)
}

// target is a target of a Prometheus server.
type target struct {
	Labels    map[string]string
	ScrapeURL string
	Health    string
	LastError string
	server    int
}

// placement returns the target of each profile, by the profile's name, and that of each exporter, by its address. Each has
// exactly one.
func (c *cluster) placement() (map[string]target, error) {
	all := make(map[string]target)
	for i, server := range c.servers {
		var data struct{ ActiveTargets []target }
		if err := server.api("targets?state=active", &data); err != nil {
			return nil, err
		}
		if len(data.ActiveTargets) == 0 {
			return nil, fmt.Errorf("server %d has no targets", i)
		}
		for _, target := range data.ActiveTargets {
			instance := target.Labels["instance"]
			if _, twice := all[instance]; twice {
				return nil, fmt.Errorf("%s is scraped twice", instance)
			}
			target.server = i
			all[instance] = target
		}
	}
	return all, nil
}

// check returns an error unless each profile is scraped without an error by one server, and each server scrapes through each
// exporter in use.
func (c *cluster) check(exporters ...*program) error {
	targets, err := c.placement()
	if err != nil {
		return err
	}
	type pair struct {
		server   int
		exporter string
	}
	scraped := make(map[pair]int)
	for name := range c.tenants.services {
		found, ok := targets[name]
		if !ok || found.Health != "up" || found.Labels["profile"] != name || found.Labels["customer"] != "Customer "+name {
			return fmt.Errorf("target of %s: %+v", name, found)
		}
		u, err := url.Parse(found.ScrapeURL)
		if err != nil || u.Query().Get("target") != name {
			return fmt.Errorf("target of %s: %+v", name, found)
		}
		scraped[pair{found.server, u.Host}]++
	}
	for _, exporter := range exporters {
		for server := range c.servers {
			if scraped[pair{server, exporter.address()}] == 0 {
				return fmt.Errorf("server %d does not scrape through %s: %v", server, exporter.address(), scraped)
			}
		}
		if targets[exporter.address()].Health != "up" {
			return fmt.Errorf("target of the exporter: %+v", targets[exporter.address()])
		}
	}
	if len(scraped) != len(c.servers)*len(exporters) || len(targets) != len(c.tenants.services)+len(c.exporters) {
		return fmt.Errorf("%d targets: %v", len(targets), scraped)
	}
	return nil
}

// profilesOf returns the profiles that an exporter probes.
func (c *cluster) profilesOf(exporter *program) []string {
	c.t.Helper()
	targets, err := c.placement()
	if err != nil {
		c.t.Fatal(err)
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(c.tenants.services)) {
		if strings.HasPrefix(targets[name].ScrapeURL, exporter.url+"/") {
			names = append(names, name)
		}
	}
	return names
}

// alert is an alert that fires.
type alert struct {
	Labels   map[string]string
	State    string
	ActiveAt time.Time
}

// alerts returns the alerts of both servers.
func (c *cluster) alerts() ([]alert, error) {
	var all []alert
	for _, server := range c.servers {
		var data struct{ Alerts []alert }
		if err := server.api("alerts", &data); err != nil {
			return nil, err
		}
		all = append(all, data.Alerts...)
	}
	return all, nil
}

// expectAlert returns the one alert that fires: about a failed backup of a profile.
func (c *cluster) expectAlert(profile string) (alert, error) {
	alerts, err := c.alerts()
	if err != nil {
		return alert{}, err
	}
	if len(alerts) == 1 {
		labels := alerts[0].Labels
		if alerts[0].State == "firing" && labels["alertname"] == "D365BackupFailed" && labels["profile"] == profile &&
			labels["customer"] == "Customer "+profile && labels["organization_id"] == organizationID && labels["module"] == "Customer Engagement" {
			return alerts[0], nil
		}
	}
	return alert{}, fmt.Errorf("alerts are %+v, want one about a failed backup of %s", alerts, profile)
}

func (c *cluster) expectNoAlerts() error {
	alerts, err := c.alerts()
	if err == nil && len(alerts) > 0 {
		err = fmt.Errorf("alerts are %+v", alerts)
	}
	return err
}

// takeOver changes the configuration as sharded.yml describes, so that the first exporter has all profiles.
func (c *cluster) takeOver() {
	c.t.Helper()
	config := read(c.t, filepath.Join(deploy, "prometheus", "sharded.yml"))
	advice := regexp.MustCompile(`(# If exporter-1 is lost, write exporter-0 here\.\n.*replacement: ')exporter-1:`)
	edited := advice.ReplaceAllString(config, "${1}exporter-0:")
	if edited == config {
		c.t.Fatal("sharded.yml does not say what to do if an exporter is lost")
	}
	for i, server := range c.servers {
		c.configure(i, edited)
		if err := server.command.Process.Signal(syscall.SIGHUP); err != nil {
			c.t.Fatal(err)
		}
	}
}

// TestCluster runs 40 profiles: each is scraped by one of two servers, through one of two exporters; a backup that fails is an
// alert; and the other exporter takes over if one stops, without any change to the alert.
func TestCluster(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 40)
	eventually(t, "every profile is scraped by one server", func() error { return c.check(c.exporters[:]...) })
	eventually(t, "no alert fires", c.expectNoAlerts)

	names := c.profilesOf(c.exporters[1])
	checkMetrics(t, c.exporters[1], names[0])
	checkDashboard(t, c.servers[:]...)

	broken := names[0]
	c.tenants.services[broken].Put(backup(failed, time.Hour))
	var before alert
	eventually(t, "the failed backup is an alert", func() (err error) {
		before, err = c.expectAlert(broken)
		return err
	})

	c.exporters[1].stop()
	eventually(t, "an alert says that the exporter is lost", func() error {
		alerts, err := c.alerts()
		if err != nil {
			return err
		}
		failing := 0
		for _, a := range alerts {
			if a.Labels["alertname"] == "D365BackupProbeFailing" {
				failing++
			}
		}
		if failing != len(names) || len(alerts) != len(names)+1 {
			return fmt.Errorf("%d of %d alerts are about probes, want %d", failing, len(alerts), len(names))
		}
		return nil
	})

	c.takeOver()
	eventually(t, "the other exporter takes over", func() error { return c.check(c.exporters[0]) })
	eventually(t, "the alert goes on", func() error {
		after, err := c.expectAlert(broken)
		if err == nil && !after.ActiveAt.Equal(before.ActiveAt) {
			err = fmt.Errorf("it began again at %s, before at %s", after.ActiveAt, before.ActiveAt)
		}
		return err
	})

	c.tenants.services[broken].Put(backup(finished, 10*time.Minute))
	eventually(t, "a successful backup ends the alert", c.expectNoAlerts)
}
