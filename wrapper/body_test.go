package d365backup_test

import (
	"sync"
	"testing"
	"time"

	"github.com/d365backup/d365backup/internal/bench"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// TestLargeBodies: bodies that exceed their share of memory are read completely, one after another.
func TestLargeBodies(t *testing.T) {
	const jobs = 5000 // of some 500 bytes each, four times a share
	service := bench.Serve(t, bench.NewList(jobs, jobs), nil)
	client := clientOf(t, service, privateTransport(t), d365backup.WithPageSize(jobs), d365backup.WithTimeout(20*time.Second))
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			page, err := client.Page(t.Context(), valid, 1)
			if err != nil || len(page.Jobs) != jobs {
				t.Error(err)
				return
			}
			seen := make(map[string]bool)
			for _, job := range page.Jobs {
				seen[job.JobID] = true
			}
			if len(seen) != jobs {
				t.Errorf("%d different jobs, want %d", len(seen), jobs)
			}
		})
	}
	group.Wait()
}
