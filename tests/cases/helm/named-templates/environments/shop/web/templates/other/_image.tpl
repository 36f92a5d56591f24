{{- define "image" }}{{ .repository }}:{{ .tag | default $.version }}{{ end -}}
