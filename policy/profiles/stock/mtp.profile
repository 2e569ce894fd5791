# Cameras and phones by PTP and MTP, to copy from and not to.

profile mtp-ro extends base {
  for { 06:01:01 }
  on setup {
    allow request { ptp-cancel ptp-get-extended-event-data ptp-reset
        ptp-get-status }
  }
  on mtp {
    allow op read
    deny op { write vendor } log "mtp-write"
  }
}
