package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// A release sets these with -ldflags "-X …/internal/cli.version=v1.2.3 -X ….commit=…". Without
// them, what the Go tool stamped counts.
var version, commit string

// versionText returns the version, the commit where it is known, and what it was built with.
func versionText() string {
	info, _ := debug.ReadBuildInfo()
	v, c := version, commit
	if v == "" && info != nil {
		v = info.Main.Version
	}
	if v == "" || v == "(devel)" {
		v = "development build"
	}
	if c == "" {
		c = stampedCommit(info)
	}
	return fmt.Sprintf("%s (commit %s, %s, %s/%s)", v, c, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

func stampedCommit(info *debug.BuildInfo) string {
	revision, modified := "unknown", ""
	if info == nil {
		return revision
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && s.Value != "":
			revision = s.Value[:min(len(s.Value), 12)]
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = " with changes"
		}
	}
	return strings.TrimSpace(revision + modified)
}
