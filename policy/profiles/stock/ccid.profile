# Smart card readers: to read a card, sign and prove a PIN. The PIN is not
# changed; the reader's own commands (escape) and its keypad (secure) do not pass.

profile ccid extends base {
  for { 0b:*:* }
  on setup {
    allow request { ccid-abort ccid-get-clock-frequencies ccid-get-data-rates }
  }
  on ccid {
    deny msg escape log alert "ccid-escape"
    allow msg { icc-power-on icc-power-off get-slot-status xfr-block
        get-parameters reset-parameters set-parameters icc-clock t0-apdu abort
        set-data-rate-and-clock }
    allow msg { data-block slot-status parameters data-rate-and-clock
        notify-slot-change hardware-error }
  }
  on apdu {
    # 6982: security status not satisfied
    deny sw 6982 ins { change-reference-data reset-retry-counter
        disable-verification enable-verification } log "pin-change"
    allow ins { select get-response read-binary read-record get-data
        get-challenge verify manage-security-environment
        perform-security-operation internal-authenticate general-authenticate
        external-authenticate mutual-authenticate manage-channel envelope }
  }
}
