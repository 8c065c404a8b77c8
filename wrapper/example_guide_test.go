package d365backup_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/d365backup/d365backup/internal/auth/authtest"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// The documents quote these examples, which may have lines around a snippet that no document shows. internal/docs
// compares them.

func init() {
	os.Setenv("D365BACKUP_CLIENT_ID", "5f0c…")
	os.Setenv("D365BACKUP_CLIENT_SECRET", "the secret")
	os.Setenv("D365BACKUP_CERTIFICATE_PASSWORD", "password")
}

// The failed jobs of the last week, from the real service.
func Example_failed() {
	client, err := d365backup.New(
		d365backup.WithDataCenter("us"), // the one that holds your tenant; there is no default
		d365backup.WithClientSecret(os.Getenv("D365BACKUP_CLIENT_ID"), os.Getenv("D365BACKUP_CLIENT_SECRET")),
	)
	if err != nil {
		log.Fatal(err)
	}
	failed := d365backup.Query{Status: d365backup.JobStatusFailed, Start: time.Now().AddDate(0, 0, -7)}
	for job, err := range client.Jobs(context.Background(), failed) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(job.StartTime.Format(time.DateTime), job.OrganizationName, job.FailedRecord, "records failed")
	}
}

// A certificate instead of a secret.
func Example_certificate() {
	certificate, err := d365backup.LoadCertificate("app.pfx", os.Getenv("D365BACKUP_CERTIFICATE_PASSWORD"))
	if err != nil {
		log.Fatal(err)
	}
	log.Print("this one has to be registered: ", certificate)
	client, err := d365backup.New(
		d365backup.WithDataCenter("us"),
		d365backup.WithCertificate(os.Getenv("D365BACKUP_CLIENT_ID"), certificate),
	)
	use(client, err)
}

// Only the successor of version v1.
func Example_api() {
	client, err := d365backup.New(
		d365backup.WithDataCenter("us"),
		d365backup.WithClientSecret(os.Getenv("D365BACKUP_CLIENT_ID"), os.Getenv("D365BACKUP_CLIENT_SECRET")),
		d365backup.WithAPI(d365backup.APIGraph),
	)
	use(client, err)
	// Output:
}

// The records that were not backed up in the last month, by organization.
func Example_sweep() {
	ctx, client, stop := startSandboxClient()
	defer stop()

	lost := make(map[string]int64)
	for job, err := range client.Jobs(ctx, d365backup.Query{Start: time.Now().AddDate(0, -1, 0)}) {
		if errors.Is(err, d365backup.ErrIncomplete) {
			log.Print("there may be more: ", err)
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		lost[job.OrganizationName] += job.FailedRecord
	}
	// Output:
}

// The backups and restores of the last week that did not succeed, as a slice.
func Example_several() {
	ctx, client, stop := startSandboxClient()
	defer stop()

	jobs, err := d365backup.Collect(client.Jobs(ctx, d365backup.Query{
		Types:    []d365backup.JobType{d365backup.JobTypeBackup, d365backup.JobTypeRestore},
		Statuses: []d365backup.JobStatus{d365backup.JobStatusFailed, d365backup.JobStatusFinishedWithException},
		Start:    time.Now().AddDate(0, 0, -7),
	}))
	if e, ok := errors.AsType[*d365backup.Error](err); ok && e.Retryable() {
		log.Print("try again later: ", err)
	}
	for _, job := range jobs {
		fmt.Println(job.Status, job.Duration())
	}
	// Output:
}

// A list for each day, so that only one day has to be read again if it is incomplete.
func Example_days() {
	ctx, client, stop := startSandboxClient()
	defer stop()

	for day := time.Now().AddDate(0, 0, -7); day.Before(time.Now()); day = day.AddDate(0, 0, 1) {
		for job, err := range client.Jobs(ctx, d365backup.Query{Start: day, End: day.AddDate(0, 0, 1)}) {
			if err != nil {
				log.Print("read again: ", day.Format(time.DateOnly), ": ", err)
				break
			}
			_ = job
		}
	}
	// Output:
}

// Every limit that a client has.
func Example_limits() {
	client, err := d365backup.New(
		d365backup.WithDataCenter("us"),
		d365backup.WithClientSecret(os.Getenv("D365BACKUP_CLIENT_ID"), os.Getenv("D365BACKUP_CLIENT_SECRET")),
		d365backup.WithPageSize(500),            // jobs on a page
		d365backup.WithPrefetch(8),              // requests in flight during a sweep
		d365backup.WithTimeout(2*time.Minute),   // one page, attempts and waits included
		d365backup.WithMaxResponseBytes(64<<20), // one response, decompressed
		d365backup.WithRetry(d365backup.RetryPolicy{
			Attempts:       6,
			MaxDelay:       2 * time.Minute,
			AttemptTimeout: 30 * time.Second,
		}),
	)
	use(client, err)
	// Output:
}

// Logs and progress on the standard error.
func Example_logs() {
	client, err := d365backup.New(
		d365backup.WithDataCenter("us"),
		d365backup.WithClientSecret(os.Getenv("D365BACKUP_CLIENT_ID"), os.Getenv("D365BACKUP_CLIENT_SECRET")),
		d365backup.WithLogger(slog.New(slog.NewJSONHandler(os.Stderr, nil))),
		d365backup.WithProgress(func(p d365backup.Progress) {
			fmt.Fprintf(os.Stderr, "\r%d of %d jobs", p.Jobs, p.TotalCount)
		}),
	)
	use(client, err)
	// Output:
}

// A log of everything that the client tolerated.
func Example_drift() {
	client, err := d365backup.New(
		d365backup.WithDataCenter("us"),
		d365backup.WithClientSecret(os.Getenv("D365BACKUP_CLIENT_ID"), os.Getenv("D365BACKUP_CLIENT_SECRET")),
		d365backup.WithDriftHandler(func(d d365backup.Drift) { // by several goroutines at once
			slog.Warn("the service departs from the contract", "kind", d.Kind, "field", d.Field, "count", d.Count)
		}),
	)
	use(client, err)
	// Output:
}

// A proxy that inspects TLS, with its own certificate authority.
func Example_proxy() {
	company, err := os.ReadFile("company.pem") // the CA certificate of a proxy that inspects TLS
	if err != nil {
		log.Fatal(err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		log.Fatal(err)
	}
	roots.AppendCertsFromPEM(company)
	transport := d365backup.NewTransport()
	transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy.example:8080"})
	transport.TLSClientConfig.RootCAs = roots

	client, err := d365backup.New(
		d365backup.WithDataCenter("us"),
		d365backup.WithClientSecret(os.Getenv("D365BACKUP_CLIENT_ID"), os.Getenv("D365BACKUP_CLIENT_SECRET")),
		d365backup.WithHTTPClient(&http.Client{Transport: transport}),
	)
	use(client, err)
}

// The facts of an error.
func Example_errors() {
	ctx, client, stop := startSandboxClient()
	defer stop()

	_, err := client.Page(ctx, d365backup.Query{Start: time.Now().AddDate(0, 0, -1)}, 1)
	if e, ok := errors.AsType[*d365backup.Error](err); ok {
		log.Print(e.Kind, e.Reason, e.StatusCode, e.RequestID, e.Attempts, e.Host)
	}
	if errors.Is(err, d365backup.ErrThrottled) {
		log.Print("send fewer requests")
	}
	// Output:
}

// startSandboxClient returns a context and a client of a sandbox, for examples about what comes after New.
func startSandboxClient() (ctx context.Context, client *d365backup.Client, stop func() error) {
	service, options := startSandbox()
	client, err := d365backup.New(options...)
	use(client, err)
	return context.Background(), client, service.Close
}

// use ends the program if a snippet left an error.
func use(_ *d365backup.Client, err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// TestExamplesWithFiles runs the examples that need files.
func TestExamplesWithFiles(t *testing.T) {
	key := authtest.Key()
	certificate := authtest.Issue(t, key)
	pfx, err := pkcs12.Modern.Encode(key, certificate, nil, "password")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for name, content := range map[string][]byte{"app.pfx": pfx, "company.pem": authtest.PEM(t, key, certificate)} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	Example_certificate()
	Example_proxy()
}
