"""Where figures come from: the gateway's statistics, and the collector that keeps everything seen."""
