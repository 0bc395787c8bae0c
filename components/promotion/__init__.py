"""From evidence to a champion: the gate's judgement, the promotion under a lease, and the ledger of both."""
