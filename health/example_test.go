package health_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/d365backup/d365backup/health"
	"github.com/d365backup/d365backup/sandbox"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// startSandbox runs a sandbox whose history does not depend on the current time, and returns a client of it.
func startSandbox(present time.Time) (*sandbox.Server, *d365backup.Client) {
	service, err := sandbox.Start(sandbox.WithAnchor(present))
	if err != nil {
		log.Fatal(err)
	}
	client, err := d365backup.New(d365backup.WithBaseURL(service.URL()), d365backup.WithTokenURL(service.TokenURL()),
		d365backup.WithLoopbackHTTP(), d365backup.WithClientSecret(service.ClientID(), service.ClientSecret()))
	if err != nil {
		log.Fatal(err)
	}
	return service, client
}

// Is every organization backed up?
func ExampleAssess() {
	present := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	service, client := startSandbox(present)
	defer service.Close()

	start := present.Add(-health.DefaultLookBack)
	summary, err := health.Assess(client.Jobs(context.Background(), d365backup.Query{Start: start, End: present}), health.Policy{
		Start:    start,
		Now:      present,
		Expected: []health.Target{{Organization: "Larkfield Training"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(summary.State)
	fmt.Println(summary.Reason)
	// Output:
	// overdue
	// 2 of 6 organizations need attention: Larkfield Training has had no successful backup for 3 days, and its newest backup, started at 2026-11-02 05:06 UTC, failed; Larkfield Service was last backed up 27 hours ago, but its newest backup, started at 2026-11-02 05:50 UTC, finished with an exception
}

// The last success of each organization and module.
func ExampleAssess_lastSuccess() {
	present := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	service, client := startSandbox(present)
	defer service.Close()
	query := d365backup.Query{Start: present.Add(-health.DefaultLookBack), End: present}

	summary, err := health.Assess(client.Jobs(context.Background(), query), health.Policy{Start: query.Start, Now: query.End})
	for _, organization := range summary.Organizations {
		for _, module := range organization.Modules {
			fmt.Println(organization.Name, module.Name, module.LastSuccess.Start.Format(time.DateTime))
		}
	}
	fmt.Println(err)
	// Output:
	// Larkfield Training Customer Engagement 2026-10-30 05:06:10
	// Larkfield Service Customer Engagement 2026-11-01 05:49:23
	// Larkfield Field Operations Customer Engagement 2026-11-02 05:38:57
	// Larkfield Marketing Customer Engagement 2026-11-02 05:16:23
	// Larkfield Sales Customer Engagement 2026-11-02 06:00:56
	// Tidewell Logistics Customer Engagement 2026-11-02 05:28:11
	// <nil>
}
