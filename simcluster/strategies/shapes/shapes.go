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

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistration "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

var scalars = map[string]string{
	"k8s.io/apimachinery/pkg/api/resource.Quantity":      "q",
	"k8s.io/apimachinery/pkg/apis/meta/v1.Time":          "t",
	"k8s.io/apimachinery/pkg/apis/meta/v1.MicroTime":     "u",
	"k8s.io/apimachinery/pkg/util/intstr.IntOrString":    "x",
	"k8s.io/apimachinery/pkg/apis/meta/v1.Duration":      "d",
	"k8s.io/apimachinery/pkg/apis/meta/v1.FieldsV1":      "r",
	"k8s.io/apimachinery/pkg/runtime.RawExtension":       "r",
	"k8s.io/apimachinery/pkg/runtime.Unknown":            "r",
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

func main() {
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
	var kindNames, typeNames []string
	for name := range kinds {
		kindNames = append(kindNames, name)
	}
	for name := range types {
		typeNames = append(typeNames, name)
	}
	fmt.Fprint(out, "{")
	section("kinds", kindNames, func(name string) any { return kinds[name] })
	fmt.Fprint(out, ",\n")
	section("types", typeNames, func(name string) any { return types[name] })
	fmt.Fprint(out, "}\n")
}
