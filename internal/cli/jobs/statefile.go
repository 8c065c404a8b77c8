package jobs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/gofrs/flock"
)

const (
	stateVersion    = 1
	maxOverlapHours = 10_000
)

// stateFile is a state file, which no other run can use until it is closed.
type stateFile struct {
	path     string
	exported map[string]string
	exists   bool
	state    state
	lock     *flock.Flock
}

// stateJSON is the content of a state file.
type stateJSON struct {
	Version int `json:"version"`
	// Export identifies what is exported: the tenant, by address and app, the filter, and the columns of csv.
	Export map[string]string `json:"export"`
	state
}

// openState locks and reads the state file of an export. It need not exist, but its folder must be writable.
func openState(path string, exported map[string]string) (*stateFile, error) {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	lock, err := lockFile(path+".lock", "the state file "+path) // a lock on the file itself would be lost when a new file replaces it
	if err != nil {
		return nil, err
	}
	f := &stateFile{path: path, exported: exported, lock: lock}
	if err := f.read(); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

// lockFile locks a file, which it creates if it is missing, to protect what the errors name. The system releases the lock when the process ends.
func lockFile(path, what string) (*flock.Flock, error) {
	lock := flock.New(path)
	locked, err := lock.TryLock()
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot lock %s: %w", what, err)
	case !locked:
		return nil, fmt.Errorf("another run uses %s: wait until it has ended", what)
	}
	return lock, nil
}

func (f *stateFile) close() { _ = f.lock.Close() }

func (f *stateFile) read() error {
	info, err := os.Stat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		f.state.OverlapHours = overlapHours
		return nil
	}
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is not a regular file")
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(f.path)
	}
	if err != nil {
		return fmt.Errorf("the state file %s cannot be read: %w", f.path, err)
	}
	content, err := parseState(text)
	if err != nil {
		return fmt.Errorf("%s is not a valid state file of jobs --since-last: %w: choose another name, or restore the file; "+
			"without one, the next run starts over", f.path, err)
	}
	for _, key := range slices.Sorted(maps.Keys(union(content.Export, f.exported))) {
		if stored, now := content.Export[key], f.exported[key]; stored != now {
			return fmt.Errorf("the state file %s belongs to another export: its %s is %q, not %q: use one file per tenant and filter",
				f.path, key, stored, now)
		}
	}
	f.exists, f.state = true, content.state
	return nil
}

func union(a, b map[string]string) map[string]string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

func parseState(text []byte) (content stateJSON, err error) {
	var head struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return content, err
	}
	if head.Version != stateVersion {
		return content, fmt.Errorf("its version is %d, and this program knows version %d", head.Version, stateVersion)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&content); err != nil {
		return content, err
	}
	switch {
	case len(content.Export) == 0:
		return content, errors.New("export is missing")
	case content.Reached.IsZero():
		return content, errors.New("reached is missing")
	case content.OverlapHours < 1 || content.OverlapHours > maxOverlapHours:
		return content, fmt.Errorf("overlapHours is missing or not from 1 to %d", maxOverlapHours)
	case slices.ContainsFunc(content.Open, func(j openJob) bool { return j.StartTime.IsZero() }):
		return content, errors.New("an open job has no startTime")
	}
	return content, nil
}

// save replaces the file: after a crash it is the old or the new one, as a whole.
func (f *stateFile) save(next state) (err error) {
	text, err := json.MarshalIndent(stateJSON{stateVersion, f.exported, next}, "", "  ")
	if err == nil {
		err = replaceFile(f.path, append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("the state file %s cannot be written, so the next run writes these jobs again: %w", f.path, err)
	}
	return nil
}

// replaceFile writes and syncs a temporary file, of the same name each time since there is only one writer, and renames it.
// Another user may have put a link at that name, which is removed and never followed.
func replaceFile(path string, text []byte) error {
	if err := os.Remove(path + ".tmp"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.OpenFile(path+".tmp", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // The user names the file.
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	if runtime.GOOS == "windows" {
		return nil // a folder cannot be synced
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
