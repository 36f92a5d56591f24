{{- define "lookup" -}}a template of that name{{- end -}}
{{- define "password" -}}
{{- $found := (lookup "v1" "Secret" .Release.Namespace "web") -}}
{{- if $found }}{{ index $found.data "password" }}{{ else }}{{ randAlphaNum 16 }}{{ end -}}
{{- end -}}
{{- define "address" -}}{{ getHostByName "db.example.com" | quote }}{{- end -}}
