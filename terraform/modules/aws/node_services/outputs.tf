output "releases" {
  description = "Versions of the charts by name, once they run."
  value = {
    for release in [helm_release.autoscaler, helm_release.gpus, helm_release.logs] : release.name => release.version
  }
}
