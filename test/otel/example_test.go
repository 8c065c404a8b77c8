package otel_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/d365backup/d365backup/sandbox"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// An instrumented transport traces every attempt. A token request serves all calls that wait for it, so
// it is in none of their traces.
func Example() {
	service, err := sandbox.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer service.Close()
	service.SetFaults(sandbox.ServerError(1, http.StatusServiceUnavailable))

	spans := tracetest.NewSpanRecorder()
	provider := trace.NewTracerProvider(trace.WithSpanProcessor(spans))
	client, err := d365backup.New(
		d365backup.WithBaseURL(service.URL()),
		d365backup.WithTokenURL(service.TokenURL()),
		d365backup.WithLoopbackHTTP(),
		d365backup.WithClientSecret(service.ClientID(), service.ClientSecret()),
		d365backup.WithRetry(d365backup.RetryPolicy{BaseDelay: time.Millisecond}),
		d365backup.WithHTTPClient(&http.Client{Transport: otelhttp.NewTransport(http.DefaultTransport,
			otelhttp.WithTracerProvider(provider),
			otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return r.Method + " " + r.URL.Path }),
		)}),
	)
	if err != nil {
		log.Fatal(err)
	}
	ctx, span := provider.Tracer("example").Start(context.Background(), "read the jobs of yesterday")
	if _, err := client.Page(ctx, d365backup.Query{Start: time.Now().AddDate(0, 0, -1)}, 1); err != nil {
		log.Fatal(err)
	}
	span.End()

	ours := span.SpanContext().TraceID()
	for _, s := range spans.Ended() {
		status := "-"
		for _, attribute := range s.Attributes() {
			if attribute.Key == "http.response.status_code" {
				status = attribute.Value.Emit()
			}
		}
		fmt.Println(s.Name(), status, s.SpanContext().TraceID() == ours)
	}
	// Output:
	// POST /connect/token 200 false
	// POST /api/OpenApi/GetJobs 503 true
	// POST /api/OpenApi/GetJobs 200 true
	// read the jobs of yesterday - true
}
