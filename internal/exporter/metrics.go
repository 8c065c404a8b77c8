package exporter

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/d365backup/d365backup/health"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("d365backup_"+name, help, labels, nil)
}

// describeModule describes a metric of a module of an organization.
func describeModule(name, help string, labels ...string) *prometheus.Desc {
	return describe(name, help, append([]string{"organization_id", "module"}, labels...)...)
}

// The metrics of a probe.
var (
	probeSuccess  = describe("probe_success", "Whether the list of jobs was read to its end. If not, there are no metrics of health.")
	probeComplete = describe("probe_complete", "Whether all organizations are shown: 0 if the probe failed or --max-organizations left some out.")
	probeError    = describe("probe_error_info", "Why the probe failed.", "kind", "reason")
	probeDuration = describe("probe_duration_seconds", "How long the probe took.")
	probeRequests = describe("probe_requests", "Requests that the read behind this probe sent, including those for tokens.")
	drift         = describe("drift", "How often responses of this read differed from the contract, by kind.", "kind")
	expiry        = describe("credential_expiry_timestamp_seconds", "When the certificate or, if the profile states it, the client secret expires.")
	window        = describe("window_seconds", "Length of the time range of window_jobs.")

	tenantState      = describe("tenant_state", "1 for the tenant's current state, which is the worst state among its organizations. The state is unknown if there are no organizations, or if a backup names no organization.", "state")
	organizationInfo = describe("organization_info", "The name of an organization.", "organization_id", "organization")

	expected     = describeModule("organization_expected", "Whether the profile expects the organization or module.")
	state        = describeModule("organization_state", "Whether the organization or module is in this state.", "state")
	maxAge       = describeModule("backup_max_age_seconds", "Maximum allowed age of the last successful backup.")
	lastSuccess  = describeModule("backup_last_success_timestamp_seconds", "When the last successful backup started: the point in time that can be restored.")
	lastExcept   = describeModule("backup_last_exception_timestamp_seconds", "When the last backup that finished with an exception started.")
	lastFailure  = describeModule("backup_last_failure_timestamp_seconds", "When the last backup that failed started.")
	lastDuration = describeModule("backup_last_duration_seconds", "Duration of the last finished backup, with or without an exception.")
	lastSize     = describeModule("backup_last_size_bytes", "Size of the last finished backup, with or without an exception.")
	lastRecords  = describeModule("backup_last_records", "Records of the last finished backup, with or without an exception, by outcome.", "outcome")
	lastEntities = describeModule("backup_last_entities", "Entities of the last finished backup, with or without an exception, by outcome.", "outcome")
	running      = describeModule("jobs_running", "Backups in progress.")
	oldest       = describeModule("oldest_running_job_start_timestamp_seconds", "When the oldest backup in progress started.")
	windowJobs   = describeModule("window_jobs", "Jobs of all types that started in the last window_seconds.", "job_type", "status")
)

// probeResult is what one probe shows, as a collector.
type probeResult struct {
	result           *result // nil if there was none in time
	took             time.Duration
	expires          time.Time
	maxOrganizations int
}

// Describe describes nothing, since the metrics differ from probe to probe.
func (p probeResult) Describe(chan<- *prometheus.Desc) {}

// Collect sends the metrics. A value that is unknown is left out.
func (p probeResult) Collect(out chan<- prometheus.Metric) {
	s := sender{out: out}
	s.send(probeDuration, p.took.Seconds())
	s.sendTime(expiry, p.expires)
	switch r := p.result; {
	case r == nil:
		s.fail("timeout", "")
	case r.err != nil:
		reason := ""
		if clientErr, ok := errors.AsType[*d365backup.Error](r.err); ok {
			reason = clientErr.Reason
		}
		s.send(probeRequests, float64(r.requests))
		s.fail(kindOf(r.err), reason)
	default:
		complete := s.sendSummary(r.summary, p.maxOrganizations)
		for kind, n := range r.drift {
			s.send(drift, float64(n), string(kind))
		}
		s.send(probeRequests, float64(r.requests))
		s.send(probeSuccess, 1)
		s.send(probeComplete, number(complete))
	}
}

// sender sends metrics.
type sender struct{ out chan<- prometheus.Metric }

func (s sender) send(desc *prometheus.Desc, value float64, labels ...string) {
	for i := range labels {
		labels[i] = strings.ToValidUTF8(labels[i], "\ufffd")
	}
	s.out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
}

func (s sender) sendTime(desc *prometheus.Desc, t time.Time, labels ...string) {
	if !t.IsZero() {
		s.send(desc, float64(t.UnixMilli())/1000, labels...)
	}
}

func (s sender) fail(kind, reason string) {
	s.send(probeSuccess, 0)
	s.send(probeComplete, 0)
	s.send(probeError, 1, kind, reason)
}

// sendSummary sends the metrics of health, and reports whether it sent all organizations. Expected ones come first, then
// those that need attention.
func (s sender) sendSummary(summary health.Summary, maxOrganizations int) (complete bool) {
	s.sendState(tenantState, summary.State)
	s.send(window, summary.End.Sub(summary.WindowStart).Seconds())
	organizations := slices.Clone(summary.Organizations)
	slices.SortStableFunc(organizations, func(a, b health.Organization) int { return int(number(b.Expected) - number(a.Expected)) })
	sent := make(map[string]bool)
	for _, o := range organizations {
		id := strings.ToValidUTF8(idOf(o), "\ufffd")
		if len(sent) == maxOrganizations || sent[id] {
			continue
		}
		sent[id] = true
		s.sendOrganization(id, o)
	}
	return len(sent) == len(organizations)
}

// idOf returns the id of an organization; the name of one that has no id, or is not known to have one.
func idOf(o health.Organization) string {
	if o.ID == "" {
		return o.Name
	}
	return o.ID
}

func (s sender) sendOrganization(id string, o health.Organization) {
	s.send(organizationInfo, 1, id, o.Name)
	if len(o.Modules) == 0 { // it was never seen
		s.send(expected, number(o.Expected), id, "")
		s.sendState(state, o.State, id, "")
	}
	sent := make(map[string]bool)
	for _, m := range o.Modules {
		m.Name = strings.ToValidUTF8(m.Name, "\ufffd")
		if !sent[m.Name] {
			sent[m.Name] = true
			s.sendModule(id, m)
		}
	}
}

func (s sender) sendState(desc *prometheus.Desc, is health.State, labels ...string) {
	for one := health.OK; one <= health.Missing; one++ {
		s.send(desc, number(is == one), append(labels, one.String())...)
	}
}

func (s sender) sendModule(id string, m health.Module) {
	s.send(expected, number(m.Expected), id, m.Name)
	s.sendState(state, m.State, id, m.Name)
	s.send(maxAge, m.MaxAge.Seconds(), id, m.Name)
	s.sendTime(lastSuccess, m.LastGood().Start, id, m.Name)
	s.sendTime(lastExcept, m.LastException.Start, id, m.Name)
	s.sendTime(lastFailure, m.LastFailure.Start, id, m.Name)
	last := m.LastFinished()
	if last.Duration > 0 {
		s.send(lastDuration, last.Duration.Seconds(), id, m.Name)
	}
	if last.Size > 0 {
		s.send(lastSize, float64(last.Size), id, m.Name)
	}
	s.sendOutcomes(lastRecords, last.Records, id, m.Name)
	s.sendOutcomes(lastEntities, last.Entities, id, m.Name)
	s.send(running, float64(m.Running), id, m.Name)
	s.sendTime(oldest, m.RunningSince, id, m.Name)
	counts := make(map[[2]string]int64)
	for _, c := range m.Jobs {
		counts[[2]string{typeName(c.Type), statusName(c.Status)}] += c.Jobs
	}
	for labels, n := range counts {
		s.send(windowJobs, float64(n), id, m.Name, labels[0], labels[1])
	}
}

// sendOutcomes sends numbers by outcome. If all are 0, the service sent none.
func (s sender) sendOutcomes(desc *prometheus.Desc, o health.Outcomes, id, module string) {
	if o == (health.Outcomes{}) {
		return
	}
	s.send(desc, float64(o.Successful), id, module, "successful")
	s.send(desc, float64(o.Failed), id, module, "failed")
	s.send(desc, float64(o.Skipped), id, module, "skipped")
	s.send(desc, float64(o.Warning), id, module, "warning")
}

// typeName and statusName bound the values of labels: all that are unknown have one name.
func typeName(t d365backup.JobType) string {
	if !t.Known() {
		t = d365backup.JobTypeUnknown
	}
	return t.String()
}

func statusName(s d365backup.JobStatus) string {
	if !s.Known() {
		s = d365backup.JobStatusUnknown
	}
	return s.String()
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// ownMetrics are those of the exporter itself.
type ownMetrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	reloaded prometheus.Gauge
	profiles prometheus.Gauge
}

func newOwnMetrics(e *Exporter) *ownMetrics {
	const namespace = "d365backup"
	m := &ownMetrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "requests_total",
			Help: "Requests to the service and for tokens, by status; error if there was no response."}, []string{"code"}),
		reloaded: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: "config_last_reload_successful",
			Help: "Whether the last attempt to load the configuration was successful."}),
		profiles: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: "profiles", Help: "Profiles in the configuration."}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: "build_info",
		Help: "Version of the program.", ConstLabels: prometheus.Labels{
			"version": e.options.Version, "revision": e.options.Revision, "goversion": runtime.Version(),
		}})
	build.Set(1)
	inFlight := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: namespace, Name: "requests_in_flight",
		Help: "Requests in flight to the service and for tokens."}, func() float64 { return float64(e.bound.inFlight()) })
	m.registry.MustRegister(m.requests, m.reloaded, m.profiles, build, inFlight,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}
