// Prints the JSON form of every built-in kind's Go types as shapes.json: one type a line, sorted.
//
//	cd tests/cluster/rig/kubernetes
//	go run ../../../../simcluster/strategies/shapes/shapes.go > ../../../../simcluster/strategies/shapes/shapes.json
//
// A field is written as flags and a type: `*` is a pointer (its zero value is kept), `?` is left out when
// empty, `!` is left out when zero (omitzero); then `[` for a list, `{` for a map, and a scalar's letter or
// the name of another type.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	storagev1 "k8s.io/api/storage/v1"
	crds "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistration "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/kubernetes/pkg/apis/apps"
	"k8s.io/kubernetes/pkg/apis/autoscaling"
	"k8s.io/kubernetes/pkg/apis/batch"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/apis/networking"
	"k8s.io/kubernetes/pkg/apis/policy"
	"k8s.io/kubernetes/pkg/apis/rbac"
	"k8s.io/kubernetes/pkg/apis/storage"
)

var scalars = map[string]string{
	"k8s.io/apimachinery/pkg/api/resource.Quantity":                 "q",
	"k8s.io/apimachinery/pkg/apis/meta/v1.Time":                     "t",
	"k8s.io/apimachinery/pkg/apis/meta/v1.MicroTime":                "u",
	"k8s.io/apimachinery/pkg/util/intstr.IntOrString":               "x",
	"k8s.io/apimachinery/pkg/apis/meta/v1.Duration":                 "d",
	"k8s.io/apimachinery/pkg/apis/meta/v1.FieldsV1":                 "r",
	"k8s.io/apimachinery/pkg/runtime.RawExtension":                  "r",
	"k8s.io/apimachinery/pkg/runtime.Unknown":                       "r",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSON": "r",
}

var types = map[string]map[string]string{}

func short(t reflect.Type) string {
	path := strings.TrimPrefix(t.PkgPath(), "k8s.io/")
	path = strings.NewReplacer("api/", "", "apimachinery/pkg/apis/", "", "apiextensions-apiserver/pkg/apis/", "", "kube-aggregator/pkg/apis/", "").Replace(path)
	return path + "." + t.Name()
}

func form(t reflect.Type) string {
	if found, ok := scalars[t.PkgPath()+"."+t.Name()]; ok {
		return found
	}
	switch t.Kind() {
	case reflect.Pointer:
		return "*" + form(t.Elem())
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "y"
		}
		return "[" + form(t.Elem())
	case reflect.Map:
		return "{" + form(t.Elem())
	case reflect.String:
		return "s"
	case reflect.Bool:
		return "b"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "i"
	case reflect.Float32, reflect.Float64:
		return "n"
	case reflect.Struct:
		if _, ok := reflect.PointerTo(t).MethodByName("UnmarshalJSON"); ok {
			return "r"
		}
		name := short(t)
		if types[name] == nil {
			types[name] = map[string]string{}
			fields(t, types[name])
		}
		return name
	default:
		return "r"
	}
}

func fields(t reflect.Type, into map[string]string) {
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if name == "" && field.Anonymous {
			if field.Type.Name() != "TypeMeta" || !strings.HasSuffix(field.Type.PkgPath(), "meta/v1") {
				fields(field.Type, into)
			}
			continue
		}
		if name == "" {
			continue
		}
		flags := ""
		if strings.Contains(options, "omitempty") {
			flags += "?"
		}
		if strings.Contains(options, "omitzero") {
			flags += "!"
		}
		into[name] = flags + form(field.Type)
	}
}

// What field errors show of the server's internal types: JSON with Go's names and every field, in their order.
// A field is written as its Go name, the name in the API, and its form.
var internals = map[string][][3]string{}

const crdPackage = "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"

func internal(t, external reflect.Type) string {
	if found, ok := scalars[t.PkgPath()+"."+t.Name()]; ok {
		return found
	}
	inner := func() reflect.Type {
		if external != nil && external.Kind() == t.Kind() {
			return external.Elem()
		}
		return nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		return "*" + internal(t.Elem(), inner())
	case reflect.Slice:
		return "[" + internal(t.Elem(), inner())
	case reflect.Map:
		return "{" + internal(t.Elem(), inner())
	case reflect.Struct:
		if !strings.HasPrefix(t.PkgPath(), "k8s.io/kubernetes/") && t.PkgPath() != crdPackage {
			return "r" // has names of the API, and leaves out what is empty
		}
		if internals[t.Name()] == nil {
			internals[t.Name()] = [][3]string{}
			internals[t.Name()] = internalFields(t, external)
		}
		return t.Name()
	default:
		return form(t)
	}
}

func internalFields(t, external reflect.Type) [][3]string {
	found := [][3]string{}
	for i := range t.NumField() {
		field := t.Field(i)
		var other *reflect.StructField
		if external != nil && external.Kind() == reflect.Struct {
			if same, ok := external.FieldByName(field.Name); ok {
				other = &same
			}
		}
		var otherType reflect.Type
		name := strings.ToLower(field.Name[:1]) + field.Name[1:]
		if other != nil {
			otherType = other.Type
			name, _, _ = strings.Cut(other.Tag.Get("json"), ",")
		}
		if field.Anonymous {
			found = append(found, internalFields(field.Type, otherType)...)
			continue
		}
		found = append(found, [3]string{field.Name, name, internal(field.Type, otherType)})
	}
	return found
}

func main() {
	for _, pair := range [][2]any{
		{core.PodSpec{}, corev1.PodSpec{}},
		{core.PersistentVolumeClaim{}.Spec, corev1.PersistentVolumeClaimSpec{}},
		{core.PersistentVolumeSource{}, corev1.PersistentVolumeSource{}},
		{core.Taint{}, corev1.Taint{}},
		{apps.DeploymentStrategy{}, appsv1.DeploymentStrategy{}},
		{apps.DaemonSetUpdateStrategy{}, appsv1.DaemonSetUpdateStrategy{}},
		{apps.StatefulSetUpdateStrategy{}, appsv1.StatefulSetUpdateStrategy{}},
		{[]core.PersistentVolumeClaim{}, []corev1.PersistentVolumeClaim{}},
		{core.PodTemplateSpec{}, corev1.PodTemplateSpec{}},
		{batch.JobSpec{}, batchv1.JobSpec{}},
		{core.Service{}.Spec, corev1.ServiceSpec{}},
		{rbac.RoleRef{}, rbacv1.RoleRef{}},
		{networking.IngressSpec{}, networkingv1.IngressSpec{}},
		{networking.NetworkPolicySpec{}, networkingv1.NetworkPolicySpec{}},
		{policy.PodDisruptionBudgetSpec{}, policyv1.PodDisruptionBudgetSpec{}},
		{autoscaling.HorizontalPodAutoscalerSpec{}, autoscalingv2.HorizontalPodAutoscalerSpec{}},
		{storage.StorageClass{}, storagev1.StorageClass{}},
		{crds.CustomResourceDefinitionVersion{}, apiextensions.CustomResourceDefinitionVersion{}},
	} {
		internal(reflect.TypeOf(pair[0]), reflect.TypeOf(pair[1]))
	}
	all := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{scheme.AddToScheme, apiextensions.AddToScheme, apiregistration.AddToScheme} {
		if err := add(all); err != nil {
			panic(err)
		}
	}
	kinds := map[string]string{}
	for gvk, t := range all.AllKnownTypes() {
		_, object := t.FieldByName("ObjectMeta")
		served := gvk.Version != "__internal" && object
		for _, old := range []string{"extensions", "v1alpha", "v1beta1", "v1beta2"} {
			served = served && !strings.HasPrefix(gvk.Version, old) && gvk.Group != old
		}
		if served {
			kinds[strings.TrimPrefix(gvk.Group+"/"+gvk.Version+"/"+gvk.Kind, "/")] = form(t)
		}
	}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	section := func(title string, names []string, line func(string) any) {
		sort.Strings(names)
		fmt.Fprintf(out, "%q:{\n", title)
		for i, name := range names {
			value, _ := json.Marshal(line(name))
			comma := ","
			if i == len(names)-1 {
				comma = ""
			}
			fmt.Fprintf(out, "%q:%s%s\n", name, value, comma)
		}
		fmt.Fprint(out, "}")
	}
	var kindNames, typeNames, internalNames []string
	for name := range internals {
		internalNames = append(internalNames, name)
	}
	for name := range kinds {
		kindNames = append(kindNames, name)
	}
	for name := range types {
		typeNames = append(typeNames, name)
	}
	fmt.Fprint(out, "{")
	section("internals", internalNames, func(name string) any { return internals[name] })
	fmt.Fprint(out, ",\n")
	section("kinds", kindNames, func(name string) any { return kinds[name] })
	fmt.Fprint(out, ",\n")
	section("types", typeNames, func(name string) any { return types[name] })
	fmt.Fprint(out, "}\n")
}
