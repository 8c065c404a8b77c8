//go:build interop

// Package kubernetes checks deploy/kubernetes against the types of Kubernetes, without a cluster.
package kubernetes

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"github.com/d365backup/d365backup/config"
)

const folder = "../../../deploy/kubernetes"

// manifests are the objects of deploy/kubernetes.
type manifests struct {
	config      corev1.ConfigMap
	service     corev1.Service
	budget      policyv1.PodDisruptionBudget
	statefulSet appsv1.StatefulSet
	secret      corev1.Secret
}

// load reads all objects. A key that Kubernetes does not know, or that comes twice, is an error.
func load(t *testing.T) *manifests {
	t.Helper()
	m := new(manifests)
	objects := map[metav1.TypeMeta]any{
		{APIVersion: "v1", Kind: "ConfigMap"}:                  &m.config,
		{APIVersion: "v1", Kind: "Service"}:                    &m.service,
		{APIVersion: "policy/v1", Kind: "PodDisruptionBudget"}: &m.budget,
		{APIVersion: "apps/v1", Kind: "StatefulSet"}:           &m.statefulSet,
		{APIVersion: "v1", Kind: "Secret"}:                     &m.secret,
	}
	files, err := filepath.Glob(folder + "/*.yaml")
	if err != nil || len(files) != 2 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, document := range bytes.Split(text, []byte("\n---\n")) {
			var kind metav1.TypeMeta
			if err := yaml.Unmarshal(document, &kind); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			object, ok := objects[kind]
			if !ok {
				t.Fatalf("%s: unexpected or second %v", file, kind)
			}
			delete(objects, kind)
			if err := decode(document, object); err != nil {
				t.Fatalf("%s: %s: %v", file, kind.Kind, err)
			}
		}
	}
	if len(objects) > 0 {
		t.Fatalf("%v are missing", objects)
	}
	return m
}

// decode is as strict as an API server: the case of keys matters, too.
func decode(document []byte, object any) error {
	text, err := yaml.YAMLToJSONStrict(document)
	if err != nil {
		return err
	}
	strict, err := json.UnmarshalStrict(text, object)
	return errors.Join(append(strict, err)...)
}

// TestReferences: the objects refer to each other by names that exist.
func TestReferences(t *testing.T) {
	m := load(t)
	set := m.statefulSet.Spec
	container := set.Template.Spec.Containers[0]
	labels := set.Template.Labels
	for what, selector := range map[string]map[string]string{
		"TopologySpreadConstraints": set.Template.Spec.TopologySpreadConstraints[0].LabelSelector.MatchLabels,
		"Service":                   m.service.Spec.Selector, "PodDisruptionBudget": m.budget.Spec.Selector.MatchLabels, "StatefulSet": set.Selector.MatchLabels,
	} {
		for key, value := range selector {
			if labels[key] != value || len(labels) == 0 {
				t.Errorf("%s selects %v, but pods have the labels %v", what, selector, labels)
			}
		}
	}
	if set.ServiceName != m.service.Name || m.service.Spec.ClusterIP != corev1.ClusterIPNone {
		t.Errorf("service %q of the StatefulSet is not the headless service %q", set.ServiceName, m.service.Name)
	}
	port := container.Ports[0]
	service := m.service.Spec.Ports[0]
	if service.TargetPort.StrVal != port.Name || service.Port != port.ContainerPort || port.ContainerPort != 10365 {
		t.Errorf("port %+v of the service, %+v of the container", service, port)
	}
	for _, probe := range []*corev1.Probe{container.LivenessProbe, container.ReadinessProbe} {
		if probe.HTTPGet.Port.StrVal != port.Name || !strings.HasPrefix(probe.HTTPGet.Path, "/-/") {
			t.Errorf("probe %+v", probe)
		}
	}
	sources := make(map[string]corev1.VolumeSource)
	for _, volume := range set.Template.Spec.Volumes {
		sources[volume.Name] = volume.VolumeSource
	}
	if sources["config"].ConfigMap.Name != m.config.Name || sources["secrets"].Secret.SecretName != m.secret.Name {
		t.Errorf("volumes %+v", sources)
	}
	for _, mount := range container.VolumeMounts {
		if _, ok := sources[mount.Name]; !ok || !mount.ReadOnly {
			t.Errorf("mount %+v", mount)
		}
	}
}

// TestHardening: the pods run with as few rights as possible, and two of them.
func TestHardening(t *testing.T) {
	set := load(t).statefulSet.Spec
	pod := set.Template.Spec
	container := pod.Containers[0]
	security := container.SecurityContext
	for what, ok := range map[string]bool{
		"two replicas":               *set.Replicas == 2,
		"non-root":                   *pod.SecurityContext.RunAsNonRoot && *pod.SecurityContext.RunAsUser > 0 && *pod.SecurityContext.RunAsGroup > 0,
		"fsGroup":                    *pod.SecurityContext.FSGroup > 0,
		"seccomp":                    pod.SecurityContext.SeccompProfile.Type == corev1.SeccompProfileTypeRuntimeDefault,
		"no token of the cluster":    !*pod.AutomountServiceAccountToken,
		"read-only root filesystem":  *security.ReadOnlyRootFilesystem,
		"no escalation":              !*security.AllowPrivilegeEscalation,
		"no capabilities":            len(security.Capabilities.Drop) == 1 && security.Capabilities.Drop[0] == "ALL" && len(security.Capabilities.Add) == 0,
		"a bound on memory":          !container.Resources.Limits.Memory().IsZero(),
		"secrets for the group only": *pod.Volumes[1].Secret.DefaultMode == 0o440,
	} {
		if !ok {
			t.Errorf("not so: %s", what)
		}
	}
}

// TestConfiguration: the command accepts the configuration in the ConfigMap, with the secret in the Secret.
func TestConfiguration(t *testing.T) {
	m := load(t)
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, "d365backup"), 0o700); err != nil {
		t.Fatal(err)
	}
	// The secrets are mounted at /secrets in a pod, and in a temporary folder here.
	var mounted string
	for _, mount := range m.statefulSet.Spec.Template.Spec.Containers[0].VolumeMounts {
		if mount.Name == "secrets" {
			mounted = mount.MountPath
		}
	}
	text := strings.ReplaceAll(m.config.Data["config.yaml"], mounted+"/", home+"/")
	for path, text := range map[string]string{"d365backup/config.yaml": text, "contoso": m.secret.StringData["contoso"]} {
		if err := os.WriteFile(filepath.Join(home, path), []byte(text), 0o440); err != nil {
			t.Fatal(err)
		}
	}
	getenv := func(name string) string { return map[string]string{"XDG_CONFIG_HOME": home}[name] }
	profiles, err := config.LoadAll(config.Source{Getenv: getenv, Profile: config.All})
	if err != nil || len(profiles) != 1 || profiles[0].Name != "contoso" {
		t.Fatalf("%v, %v", profiles, err)
	}
	if _, err := profiles[0].Client(); err != nil {
		t.Error(err)
	}
}
