/* referers_data.S -- carries referers.tsv in the binary.
 * SPDX-License-Identifier: Apache-2.0 */
    .section .rodata
    .global evt_referers_data
    .global evt_referers_data_end
evt_referers_data:
    .incbin "evt/referers.tsv"
evt_referers_data_end:
    .section .note.GNU-stack,"",%progbits
