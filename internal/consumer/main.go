// Command consumer is a module of its own that imports the wrapper and nothing else: what an importer
// of this project builds and links. Its test says which modules those are.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

func main() {
	client, err := d365backup.New(
		d365backup.WithDataCenter(os.Getenv("D365BACKUP_DATA_CENTER")),
		d365backup.WithClientSecret(os.Getenv("D365BACKUP_CLIENT_ID"), os.Getenv("D365BACKUP_CLIENT_SECRET")),
	)
	if err != nil {
		log.Fatal(err)
	}
	yesterday := d365backup.Query{Start: time.Now().AddDate(0, 0, -1)}
	for job, err := range client.Jobs(context.Background(), yesterday) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(job.JobID, job.Status)
	}
}
