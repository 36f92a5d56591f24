#!/bin/sh
{{- range $n := until 2 }}
echo "{{ $n }} ${HOME} {{ $.Values.region }}"
{{- end }}
