package doctor

import (
	_ "embed" // for diagnoses.yaml
	"slices"
	"sync"

	"go.yaml.in/yaml/v3"
)

// Diagnosis explains one cause of failure. diagnoses.yaml describes its fields.
type Diagnosis struct {
	Code, Title string
	Side        Side
	Meaning     string
	Next, Alike []string
}

// Side is who must act.
type Side string

// String returns the side in words.
func (s Side) String() string {
	return map[Side]string{
		"yours": "you", "network": "those who run the network", "service": "the service", "yours or service": "you or the service",
	}[s]
}

//go:embed diagnoses.yaml
var diagnosesYAML []byte

// Diagnoses returns all diagnoses, in the order of the steps that make them.
var Diagnoses = sync.OnceValue(func() (all []Diagnosis) {
	if err := yaml.Unmarshal(diagnosesYAML, &all); err != nil {
		return []Diagnosis{{Code: "unknown", Title: "The diagnoses cannot be read: " + err.Error()}} // a test prevents this
	}
	return all
})

// Find returns the diagnosis with this code, and the last one, "unknown", if there is none.
func Find(code string) Diagnosis {
	all := Diagnoses()
	i := slices.IndexFunc(all, func(d Diagnosis) bool { return d.Code == code })
	if i < 0 {
		i = len(all) - 1
	}
	return all[i]
}
