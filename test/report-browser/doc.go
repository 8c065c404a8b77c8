// Package browser tests the HTML report where it is read: in Chromium, from a disk and from a server, in
// wide and narrow windows, light and dark, and on paper. It is a module of its own, so that the tests of
// the main module need no browser.
//
// It needs the command chromium (Debian: apt-get install --no-install-recommends chromium).
package browser
