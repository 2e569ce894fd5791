# Memory sticks and disks behind the Bulk-Only transport.

define safe-scsi = { test-unit-ready request-sense inquiry mode-sense-6
    mode-sense-10 read-capacity-10 read-capacity-16 read-format-capacities
    report-luns start-stop-unit prevent-allow-removal get-event-status read-toc }

# Read only: the workstation sees a write-protected medium, and what would
# change it or talk past SCSI to the controller is refused and told.
profile storage-ro extends base {
  for { 08:06:50 }
  on setup {
    allow request { bot-reset get-max-lun }
  }
  on scsi {
    rewrite { wp = 1 } op { mode-sense-6 mode-sense-10 } # mounted read-only
    allow op $safe-scsi
    allow op read
    drop op synchronize-cache
    # DATA PROTECT, WRITE PROTECTED
    deny sense 07/27/00 op { write manage } log "write-refused"
    # INVALID COMMAND OPERATION CODE
    deny sense 05/20/00 op { passthrough vendor } log alert "scsi-passthrough"
  }
}

# Read and write, but no formatting, no firmware, no vendor's commands.
profile storage-rw extends base {
  for { 08:06:50 }
  on setup {
    allow request { bot-reset get-max-lun }
  }
  on scsi {
    allow op $safe-scsi
    allow op { read write synchronize-cache }
    deny sense 07/27/00 op manage log "manage-refused"
    deny sense 05/20/00 op { passthrough vendor } log alert "scsi-passthrough"
  }
}
