# Security keys: to register and to authenticate, by U2F and CTAP2. No reset, no
# management of credentials, no vendor's commands.

profile fido extends base {
  for { 03:00:00 }
  on setup {
    allow request { hid-get-descriptor hid-set-idle hid-get-idle }
  }
  on ctap {
    deny cbor { reset credential-management bio-enrollment authenticator-config } log "fido-management"
    allow cbor { make-credential get-assertion get-info client-pin
        get-next-assertion selection }
    allow u2f { register authenticate version }
    allow cmd { init ping cancel keepalive error wink lock }
  }
}
