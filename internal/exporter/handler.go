package exporter

import (
	"context"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	// probeTimeout is how long a probe takes at most if the request does not say.
	probeTimeout = 2 * time.Minute
	// timeoutMargin is how long before Prometheus's own timeout a probe ends.
	timeoutMargin = 500 * time.Millisecond
)

// Handler returns the HTTP endpoints.
func (e *Exporter) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", e.servePage)
	mux.HandleFunc("GET /probe", e.serveProbe)
	mux.HandleFunc("GET /sd", e.serveDiscovery)
	mux.Handle("GET /metrics", promhttp.HandlerFor(e.metrics.registry, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	// The configuration was loaded before there is a Handler, and a server that stops accepts no connection.
	for _, path := range []string{"GET /-/healthy", "GET /-/ready"} {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "OK\n") })
	}
	// A web page must not be able to make a browser send this.
	mux.Handle("POST /-/reload", http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := e.Reload(); err != nil {
			http.Error(w, "cannot load the configuration; keeping the old one: "+err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, "loaded\n")
	})))
	return mux
}

func (e *Exporter) serveProbe(w http.ResponseWriter, r *http.Request) {
	names := r.URL.Query()["target"]
	if len(names) != 1 || names[0] == "" {
		http.Error(w, "set the parameter target to the name of one profile", http.StatusBadRequest)
		return
	}
	timeout, err := timeoutOf(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	t := e.target(names[0])
	switch {
	case t == nil && strings.Contains(names[0], "/"):
		http.Error(w, "target must be the name of a profile, not a URL", http.StatusBadRequest)
		return
	case t == nil:
		http.Error(w, fmt.Sprintf("there is no profile %q", names[0]), http.StatusNotFound)
		return
	}
	started := time.Now()
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	p := probeResult{result: t.probe(ctx), expires: t.expiry(), maxOrganizations: e.options.MaxOrganizations}
	p.took = time.Since(started)
	registry := prometheus.NewRegistry()
	registry.MustRegister(p)
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true}).ServeHTTP(w, r)
}

// timeoutOf returns how long a probe may take: a little less than Prometheus waits.
func timeoutOf(r *http.Request) (time.Duration, error) {
	const header = "X-Prometheus-Scrape-Timeout-Seconds"
	text := r.Header.Get(header)
	if text == "" {
		return probeTimeout, nil
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || !(seconds > 0) || seconds > math.MaxInt32 {
		return 0, fmt.Errorf("%s: invalid number of seconds %q", header, text)
	}
	timeout := time.Duration(seconds * float64(time.Second))
	return max(timeout-timeoutMargin, timeout/2), nil
}

// serveDiscovery lists the profiles as targets, for http_sd_configs of Prometheus.
func (e *Exporter) serveDiscovery(w http.ResponseWriter, _ *http.Request) {
	type group struct {
		Targets []string          `json:"targets"`
		Labels  map[string]string `json:"labels,omitempty"`
	}
	groups := []group{}
	for _, t := range e.targets() {
		name, labels := t.labels()
		groups = append(groups, group{[]string{name}, labels})
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(groups)
}

var page = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>d365backup exporter</title></head>
<body>
<h1>d365backup exporter</h1>
<p>Version {{.Version}}. <a href="metrics">Metrics of the exporter</a>, <a href="sd">service discovery</a>.</p>
<h2>Probes</h2>
<ul>{{range .Profiles}}
<li><a href="probe?target={{.}}">{{.}}</a></li>{{end}}
</ul>
</body>
</html>
`))

// servePage shows the landing page.
func (e *Exporter) servePage(w http.ResponseWriter, _ *http.Request) {
	var names []string
	for _, t := range e.targets() {
		name, _ := t.labels()
		names = append(names, name)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'")
	_ = page.Execute(w, struct {
		Version  string
		Profiles []string
	}{e.options.Version, names})
}
