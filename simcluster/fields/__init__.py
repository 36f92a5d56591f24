"""Who owns which fields: field sets, typed merge, managedFields and Server-Side Apply (KEP-555).

The rules are those of sigs.k8s.io/structured-merge-diff and of apimachinery's managedfields, as measured on a
real API server; `managed` is the way in.
"""
