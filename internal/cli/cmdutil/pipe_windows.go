package cmdutil

import (
	"errors"
	"syscall"
)

// isBrokenPipe knows the errors of a system whose broken pipe is not EPIPE.
func isBrokenPipe(err error) bool {
	const errorBrokenPipe, errorNoData = syscall.Errno(109), syscall.Errno(232)
	return errors.Is(err, errorBrokenPipe) || errors.Is(err, errorNoData)
}
