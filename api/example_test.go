package api_test

import (
	"fmt"

	"github.com/d365backup/d365backup/api"
)

func ExampleValidateRequest() {
	body := []byte(`{"pageInfo": {"pageSize": 0}, "status": 5, "organisationId": "contoso"}`)
	fmt.Println(api.ValidateRequest("getJobs", body))
	// Output:
	// body /organisationId: additionalProperties: found "contoso", want none but endTime, objectType, organizationId, pageInfo, startTime, status, type (seed)
	// body /pageInfo/pageSize: minimum: found 0, want at least 1 (seed)
	// body /status: enum: found 5, want one of [2,3,4,7] (seed)
}
