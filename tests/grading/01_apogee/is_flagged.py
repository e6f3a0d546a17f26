# %% right: a loop over bits with shifts
def is_flagged(mask, bits):
    flagged = np.zeros(np.shape(mask), dtype=bool)
    for bit in bits:
        flagged |= (mask & (1 << bit)) > 0
    return flagged

# %% right: shift the mask
def is_flagged(mask, bits):
    return np.any([(mask >> bit) & 1 for bit in bits], axis=0)

# %% right: binary text
def is_flagged(mask, bits):
    flat = [any(format(int(m), "016b")[15 - b] == "1" for b in bits) for m in np.ravel(mask)]
    return np.reshape(flat, np.shape(mask))

# %% right: numpy's bitwise functions
def is_flagged(mask, bits):
    return np.bitwise_and(mask.astype(np.int64), np.bitwise_or.reduce([2**b for b in bits])).astype(
        bool
    )

# %% right: no brackets, since Python binds & before >
def is_flagged(mask, bits):
    return mask & sum(2**bit for bit in bits) > 0

# %% right: astropy's bit fields
def is_flagged(mask, bits):
    from astropy.nddata.bitmask import bitfield_to_boolean_mask

    others = [2**bit for bit in range(15) if bit not in bits]
    return bitfield_to_boolean_mask(mask, ignore_flags=others, good_mask_value=False, dtype=bool)

# %% wrong: the bit's number instead of the bit | loses: test_is_flagged test_is_flagged_several test_read_sample_bad
def is_flagged(mask, bits):
    flagged = np.zeros(mask.shape, dtype=bool)
    for k in bits:
        flagged |= (mask & k) != 0
    return flagged

# %% wrong: the mask compared with the bit's number | loses: test_is_flagged test_is_flagged_several test_read_sample test_read_sample_bad
def is_flagged(mask, bits):
    return np.isin(mask, bits)

# %% wrong: the mask compared with what the bit is worth | loses: test_is_flagged_several
def is_flagged(mask, bits):
    return np.isin(mask, [2**bit for bit in bits])

# %% wrong: any bit at all | loses: test_is_flagged test_is_flagged_several test_read_sample_bad
def is_flagged(mask, bits):
    return mask != 0

# %% wrong: all bits instead of any | loses: test_is_flagged test_is_flagged_several test_read_sample_bad
# != 0 => == wanted

# %% wrong: bits counted from one | loses: test_is_flagged test_is_flagged_several test_read_sample_bad
# 2**bit => 2 ** (bit + 1)

# %% wrong: the number instead of a truth | loses: test_is_flagged test_is_flagged_several
# (mask & wanted) != 0 => mask & wanted

# %% wrong: the highest bit only | loses: test_is_flagged_several
def is_flagged(mask, bits):
    highest = np.where(mask > 0, np.floor(np.log2(np.maximum(mask, 1))), -1)
    return np.isin(highest, bits)

# %% wrong: truths in a flat list | loses: test_is_flagged_several
def is_flagged(mask, bits):
    return [bool(m & sum(2**bit for bit in bits)) for m in mask.ravel().tolist()]

# %% wrong: everything is flagged | loses: test_is_flagged test_is_flagged_several test_read_sample test_read_sample_bad
def is_flagged(mask, bits):
    return np.ones(mask.shape, dtype=bool)

# %% wrong: nothing is flagged | loses: test_is_flagged test_is_flagged_several test_read_sample_bad
def is_flagged(mask, bits):
    return np.zeros(mask.shape, dtype=bool)

# %% wrong: only the first of the bits | loses: test_is_flagged test_is_flagged_several test_read_sample_bad
# in set(bits) => in list(bits)[:1]
