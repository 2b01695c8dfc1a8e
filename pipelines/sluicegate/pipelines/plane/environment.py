"""What steps, pipelines and workflows are told of the plane: five variables."""

from sluicegate.pipelines.plane.home import Home, Ports


def plane_environment(home: Home, ports: Ports) -> dict[str, str]:
    """Environment by which any step finds this plane."""
    addresses = ports.addresses()
    return {
        "SLUICEGATE_HOME": str(home.path),
        "KUBECONFIG": str(home.kubeconfig),
        "MLFLOW_TRACKING_URI": addresses["mlflow"],
        "SLUICEGATE_GATEWAY": addresses["gateway"],
        "SLUICEGATE_COLLECTOR": addresses["collector"],
    }
