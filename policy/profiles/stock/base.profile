# What every device needs to be enumerated, and nothing else. All other
# profiles extend it. Addresses, descriptors and lengths are the floor's, which
# no profile can lift.

profile base {
  on setup {
    allow request { get-descriptor get-status get-configuration get-interface
        set-configuration set-interface clear-halt }
    deny type vendor log "vendor-request"
  }
}
