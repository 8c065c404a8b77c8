// Package docs has no code of its own. Its tests check the documents: commands run as scripts in testdata, snippets are
// examples, links and named files and tests exist, and tables of facts agree with the code.
package docs
