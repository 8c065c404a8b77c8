// Package browser tests the HTML report in Chromium: from a disk and from a server, in wide and narrow windows, light and
// dark, and on paper.
//
// It needs the command chromium (Debian: apt-get install --no-install-recommends chromium).
package browser
