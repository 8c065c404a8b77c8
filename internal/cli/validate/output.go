package validate

import (
	"bytes"
	"encoding/json"
	"time"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

// isJobsOutput reports whether a payload is what "d365backup jobs" writes with -o json or -o ndjson. The
// first job is enough to tell: it has every key of the contract, and words where the service has numbers.
func isJobsOutput(body []byte) bool {
	body = bytes.TrimLeft(body, " \t\r\n")
	decoder := json.NewDecoder(bytes.NewReader(body))
	if bytes.HasPrefix(body, []byte("[")) {
		_, _ = decoder.Token()
	}
	var job map[string]json.RawMessage
	if decoder.Decode(&job) != nil || !isString(job["type"]) || !isString(job["status"]) {
		return false
	}
	keys := outputKeys()
	for key := range keys {
		if job[key] == nil {
			return false
		}
	}
	return len(job) == len(keys)
}

func isString(value json.RawMessage) bool { return bytes.HasPrefix(value, []byte(`"`)) }

// outputKeys returns the keys of a job in the output, which are those of a job in the contract.
func outputKeys() (keys map[string]json.RawMessage) {
	full, err := json.Marshal(d365backup.Job{StartTime: time.Unix(1, 0), FinishTime: time.Unix(2, 0)})
	if err == nil {
		err = json.Unmarshal(full, &keys)
	}
	if err != nil { // it cannot
		return nil
	}
	return keys
}
