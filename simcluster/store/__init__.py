"""Objects, their versions, what changed, and who watches: the part that etcd plays. Knows no kinds."""
