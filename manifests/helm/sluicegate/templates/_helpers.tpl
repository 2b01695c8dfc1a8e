{{- /* Name of one of our images: (list . "operator"). */}}
{{- define "sluicegate.image" -}}
{{- $all := index . 0 -}}
{{ $all.Values.image.registry }}/{{ index . 1 }}:{{ $all.Values.image.tag | default $all.Chart.AppVersion }}
{{- end }}

{{- /* Where the request log goes: what is set, else our collector, else nowhere. */}}
{{- define "sluicegate.requestLogUrl" -}}
{{- if not (kindIs "invalid" .Values.settings.requestLogUrl) -}}
{{ .Values.settings.requestLogUrl }}
{{- else if .Values.collector.enabled -}}
http://sluicegate-collector.{{ .Release.Namespace }}:7081/events
{{- end }}
{{- end }}

{{- /* End of the name of what each of several operators on a cluster has. */}}
{{- define "sluicegate.suffix" -}}
{{- with .Values.settings.controllerId }}-{{ . }}{{ end }}
{{- end }}
