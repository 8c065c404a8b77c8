package api_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/d365backup/d365backup/api"
)

func ExampleLoad() {
	doc, err := api.Load()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(doc.Info.Title, doc.Paths.Value("/api/OpenApi/GetJobs").Post.OperationID)
	// Output: Cloud Backup for Dynamics 365 - job information getJobs
}

func ExampleJSON() {
	text, err := api.JSON()
	if err != nil {
		fmt.Println(err)
		return
	}
	var doc struct{ OpenAPI string }
	err = json.Unmarshal(text, &doc)
	fmt.Println(doc.OpenAPI, err)
	// Output: 3.0.3 <nil>
}

func ExampleValidateRequest() {
	body := []byte(`{"pageInfo": {"pageSize": 0}, "status": 1073741824, "organizationID": "contoso"}`)
	fmt.Println(api.ValidateRequest("getJobs", body))
	// Output:
	// body /organizationID: additionalProperties: found "contoso", want only endTime, objectType, organizationId, pageInfo, startTime, status, type (earlier)
	// body /pageInfo/pageSize: minimum: found 0, want at least 1 (inferred)
	// body /status: enum: found 1073741824, want one of [2,3,4,7,null] (seed): version v1's table lists these values, its schema allows any integer; this contract follows the table
}

func ExampleValidateQuery() {
	query := "type=1&startTime=2026-11-01T00:00:00Z&endTime=2026-11-02T00:00:00Z&pageSize=0"
	fmt.Println(api.ValidateQuery("listJobs", query))
	// Output:
	// query /endTime: parameters: found "2026-11-02T00:00:00Z", want only finishTime, organizationId, pageIndex, pageSize, startTime, status, type (inferred)
	// query /finishTime: required: found nothing, want a parameter "finishTime" (later)
	// query /pageSize: minimum: found 0, want at least 1 (inferred)
}

func ExampleValidateResponse() {
	body := []byte(`{"totalCount": 1, "jobs": [{"type": 1, "jobId": "A", "startTime": "2026-11-01T03:00:00Z", "status": "Finished"}]}`)
	err := api.ValidateResponse("getJobs", http.StatusOK, "application/json", body)
	if violations, ok := errors.AsType[api.Violations](err); ok {
		for _, v := range violations {
			fmt.Println(v.Pointer, v.Source)
		}
	}
	// Output: /jobs/0/status later
}

// A valid response.
func ExampleValidateResponse_valid() {
	body := []byte(`{"totalCount": 1, "jobs": [{"type": 1, "jobId": "A", "startTime": "2026-11-01T03:00:00Z", "status": 2}]}`)

	err := api.ValidateResponse("getJobs", 200, "application/json", body)
	// err lists up to 1,000 violations, each with its JSON pointer and the source of the rule
	fmt.Println(err)
	// Output: <nil>
}

func ExampleHandler() {
	server := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "jobs")
	})
	protected := api.Handler(server, func(r api.Report) { fmt.Println(r.Operation, r.Status, r.Violations) })

	r := httptest.NewRequest(http.MethodPost, "/api/OpenApi/GetJobs", strings.NewReader(`{"pageInfo": {"pageSize": 0}}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	protected.ServeHTTP(w, r)

	var response struct{ Message string }
	json.NewDecoder(w.Body).Decode(&response)
	fmt.Println(w.Code, response.Message)
	// Output:
	// getJobs 0 body /pageInfo/pageSize: minimum: found 0, want at least 1 (inferred)
	// 400 body /pageInfo/pageSize: minimum: found 0, want at least 1 (inferred)
}

func ExampleTransport() {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"totalNumber": 0, "result": []}`) // as sent before December 2024
	}))
	defer service.Close()

	report := func(r api.Report) { fmt.Println(r.Violations) }
	client := &http.Client{Transport: api.Transport(http.DefaultTransport, report, api.WithSampling(1))}

	response, err := client.Post(service.URL+"/api/OpenApi/GetJobs", "application/json", strings.NewReader(`{"pageInfo": {}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	fmt.Println(response.Status)
	// Output:
	// body /jobs: required: found nothing, want a property "jobs" (inferred)
	// body /totalCount: required: found nothing, want a property "totalCount" (inferred)
	// 200 OK
}
