# A stick that is written to in one partition only, 64 MiB a day: for devices
# that bring home logs. The blocks are those of the partition.

profile storage-logpart extends storage-ro {
  quota daily 64MiB per 24h
  on scsi {
    allow op { mode-sense-6 mode-sense-10 } # unchanged: mounted writable
    deny sense 05/25/00 lun 1..15
    deny sense 07/27/00 op write over daily log "quota"
    allow op write lba 2048..133119
    allow op synchronize-cache
  }
}
