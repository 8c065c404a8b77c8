package d365backup

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/d365backup/d365backup/internal/sweep"
)

// Progress is how far a loop over Jobs has come.
type Progress struct {
	// Pages counts the pages got through.
	Pages int
	// Jobs counts the jobs got.
	Jobs int64
	// TotalCount is how many jobs the service promises; -1 where it does not say.
	TotalCount int64
}
