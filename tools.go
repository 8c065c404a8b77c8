//go:build tools

package d365backup

// The generator is pinned in go.mod like any other import. Linters and the breaking-change gate are pinned in
// tools.mod, so that their dependencies are not in go.mod.
import _ "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen"
