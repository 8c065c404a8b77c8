// Command stream reads all jobs of a service and prints its peak memory, in KiB. BenchmarkSweepResident
// runs it, since only a program without other dependencies shows how much memory the client needs.
//
//	stream URL TOKEN-URL
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"regexp"
	"time"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

func main() {
	client, err := d365backup.New(
		d365backup.WithBaseURL(os.Args[1]),
		d365backup.WithTokenURL(os.Args[2]),
		d365backup.WithLoopbackHTTP(),
		d365backup.WithClientSecret("id", "secret"),
	)
	if err != nil {
		log.Fatal(err)
	}
	for _, err := range client.Jobs(context.Background(), d365backup.Query{Start: time.Now().AddDate(-1, 0, 0)}) {
		if err != nil {
			log.Fatal(err)
		}
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(regexp.MustCompile(`VmHWM:\s*(\d+) kB`).FindSubmatch(status)[1]))
}
