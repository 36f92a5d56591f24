"""What lives in a cluster besides its API server: controllers, scheduler, kubelets, garbage collector.

Each part decides with pure functions (objects in, wanted writes out); `behaviour` watches the store, keeps
the work queue and lets each part act through the api. Nothing runs while nothing changes and no timer is due.
"""
