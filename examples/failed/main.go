// Command failed lists the failed backups of the last week. README.md shows a part of it.
package main

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/d365backup/d365backup/sandbox"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

func main() {
	service, err := sandbox.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer service.Close()

	client, err := d365backup.New( // the real service: WithDataCenter("us") and WithClientSecret alone
		d365backup.WithBaseURL(service.URL()),
		d365backup.WithTokenURL(service.TokenURL()),
		d365backup.WithLoopbackHTTP(),
		d365backup.WithClientSecret(service.ClientID(), service.ClientSecret()),
	)
	if err != nil {
		log.Fatal(err)
	}
	failed := d365backup.Query{
		Type:   d365backup.JobTypeBackup,
		Status: d365backup.JobStatusFailed,
		Start:  time.Now().AddDate(0, 0, -7),
	}
	for job, err := range client.Jobs(context.Background(), failed) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(job.StartTime.Format(time.DateTime), job.OrganizationName, job.FailedRecord, "records failed")
	}
}
