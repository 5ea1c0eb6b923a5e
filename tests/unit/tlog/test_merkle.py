"""Merkle proofs, against the recursive definitions of RFC 6962 section 2.1 written down here once more."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chancery.tlog import merkle

ENTRIES = [b"entry %d" % number for number in range(600)]
LEAVES = [merkle.leaf_hash(entry) for entry in ENTRIES]
SMALL = range(1, 33)

# The inputs, roots and proofs of the test vectors of google/certificate-transparency and transparency-dev/merkle.
CT_ENTRIES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
CT_LEAVES = [merkle.leaf_hash(bytes.fromhex(entry)) for entry in CT_ENTRIES]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
CT_FIRST_OF_8 = [
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
]
CT_SIXTH_OF_8 = [
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
]
CT_FROM_6_TO_7 = [
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
]


def k_of(n):
    """The largest power of two smaller than n."""
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def mth(d):
    """MTH of section 2.1."""
    if not d:
        return sha256().digest()
    if len(d) == 1:
        return sha256(b"\x00" + d[0]).digest()
    k = k_of(len(d))
    return sha256(b"\x01" + mth(d[:k]) + mth(d[k:])).digest()


def path(m, d):
    """PATH of section 2.1.1."""
    if len(d) == 1:
        return []
    k = k_of(len(d))
    return [*path(m, d[:k]), mth(d[k:])] if m < k else [*path(m - k, d[k:]), mth(d[:k])]


def subproof(m, d, b=True):
    """SUBPROOF of section 2.1.2; with `b` it is PROOF."""
    if m == len(d):
        return [] if b else [mth(d)]
    k = k_of(len(d))
    return [*subproof(m, d[:k], b), mth(d[k:])] if m <= k else [*subproof(m - k, d[k:], False), mth(d[:k])]


def turns(m, n):
    """The side of each ancestor on which a leaf is, lowest ancestor first."""
    if n == 1:
        return ""
    k = k_of(n)
    return turns(m, k) + "l" if m < k else turns(m - k, n - k) + "r"


ROOTS = [mth(ENTRIES[:size]) for size in range(len(ENTRIES) + 1)]


def root_of(start, end):
    return merkle.root(LEAVES[start:end])


def reached(lead, *args):
    """Where a proof leads to; None when it is refused."""
    try:
        return lead(*args)
    except ValueError:
        return None


def flips(hashes):
    """The hashes with each one's first, last and one inner bit flipped."""
    for at, original in enumerate(hashes):
        for byte, bit in ((0, 0x80), (17, 0x08), (31, 0x01)):
            changed = bytearray(original)
            changed[byte] ^= bit
            yield [*hashes[:at], bytes(changed), *hashes[at + 1 :]]


def other_lengths(hashes):
    """The proof with any one hash left out, and with one more at any place."""
    for at in range(len(hashes) + 1):
        yield [*hashes[:at], bytes(32), *hashes[at:]]
    for at in range(len(hashes)):
        yield [*hashes[:at], *hashes[at + 1 :]]


two_sizes = st.integers(1, 600).flatmap(lambda new: st.tuples(st.integers(1, new), st.just(new)))


def test_the_published_vectors_have_the_published_roots():
    assert merkle.EMPTY_ROOT.hex() == CT_ROOTS[0]
    assert [merkle.root(CT_LEAVES[:size]).hex() for size in range(9)] == CT_ROOTS


def test_the_published_vectors_have_the_published_proofs():
    def ct_root(start, end):
        return merkle.root(CT_LEAVES[start:end])

    assert [part.hex() for part in merkle.inclusion_proof(0, 8, ct_root)] == CT_FIRST_OF_8
    assert [part.hex() for part in merkle.inclusion_proof(5, 8, ct_root)] == CT_SIXTH_OF_8
    assert [part.hex() for part in merkle.consistency_proof(1, 8, ct_root)] == CT_FIRST_OF_8
    assert [part.hex() for part in merkle.consistency_proof(6, 7, ct_root)] == CT_FROM_6_TO_7


def test_the_root_of_every_size_is_the_merkle_tree_hash():
    for size, expected in enumerate(ROOTS):
        assert merkle.root(LEAVES[:size]) == expected, size


def check_inclusion(index, size):
    proof = merkle.inclusion_proof(index, size, root_of)

    assert proof == path(index, ENTRIES[:size]), (index, size)
    assert merkle.root_from_inclusion(index, size, LEAVES[index], proof) == ROOTS[size], (index, size)


def check_consistency(old, new):
    proof = merkle.consistency_proof(old, new, root_of)

    assert proof == subproof(old, ENTRIES[:new]), (old, new)
    assert merkle.roots_from_consistency(old, new, ROOTS[old], proof) == (ROOTS[old], ROOTS[new]), (old, new)


def test_every_small_tree_has_the_proofs_of_the_definition():
    for size in range(1, 71):
        for index in range(size):
            check_inclusion(index, size)
            check_consistency(index + 1, size)


@settings(deadline=None)
@given(two_sizes)
def test_a_larger_tree_has_the_proofs_of_the_definition(of):
    old, new = of

    check_inclusion(old - 1, new)
    check_consistency(old, new)


@given(st.integers(1, 2**63), st.data())
def test_in_a_tree_of_any_size_a_leaf_and_its_proof_cover_every_leaf_once(size, data):
    index = data.draw(st.integers(0, size - 1))

    covered = sorted([(index, index + 1), *merkle.inclusion_ranges(index, size)])

    assert [start for start, _ in covered] == [0, *[end for _, end in covered[:-1]]]
    assert covered[-1][1] == size


@settings(deadline=None)
@given(two_sizes)
def test_a_range_of_a_proof_is_hashed_from_its_perfect_trees(of):
    old, new = of

    for start, end in merkle.inclusion_ranges(old - 1, new) + merkle.consistency_ranges(old, new):
        trees = [(index << height, (index + 1) << height) for height, index in merkle.perfect_subtrees(start, end)]
        assert [at for tree in trees for at in range(*tree)] == list(range(start, end))
        assert len(trees) == (end - start).bit_count()  # no two of one height
        assert merkle.joined([mth(ENTRIES[slice(*tree)]) for tree in trees]) == mth(ENTRIES[start:end])


@settings(deadline=None)
@given(two_sizes)
def test_a_changed_leaf_or_inclusion_proof_leads_elsewhere(of):
    index, size = of[0] - 1, of[1]
    proof = path(index, ENTRIES[:size])

    for leaf, *rest in flips([LEAVES[index], *proof]):
        assert merkle.root_from_inclusion(index, size, leaf, rest) != ROOTS[size]
    for wrong in other_lengths(proof):
        with pytest.raises(ValueError, match=f"has {len(proof)} hashes, not {len(wrong)}"):
            merkle.root_from_inclusion(index, size, LEAVES[index], wrong)


def test_an_inclusion_proof_does_not_lead_to_the_root_for_another_leaf_or_index():
    for size in SMALL:
        for index in range(size):
            proof = path(index, ENTRIES[:size])
            for other in set(range(size)) - {index}:
                assert reached(merkle.root_from_inclusion, other, size, LEAVES[index], proof) != ROOTS[size]
                assert reached(merkle.root_from_inclusion, index, size, LEAVES[other], proof) != ROOTS[size]


def test_an_inclusion_proof_leads_to_the_root_for_another_size_only_where_the_leaf_has_the_same_path():
    for size in SMALL:
        for index in range(size):
            proof = path(index, ENTRIES[:size])
            for other in set(range(index + 1, 2 * size)) - {size}:
                result = reached(merkle.root_from_inclusion, index, other, LEAVES[index], proof)
                assert (result == ROOTS[size]) == (turns(index, other) == turns(index, size))
                assert result != ROOTS[other]


@settings(deadline=None)
@given(two_sizes)
def test_a_changed_root_or_consistency_proof_leads_elsewhere(of):
    old, new = of
    proof = subproof(old, ENTRIES[:new])

    for old_root, *rest in flips([ROOTS[old], *proof]):
        assert merkle.roots_from_consistency(old, new, old_root, rest) != (old_root, ROOTS[new])
    for wrong in other_lengths(proof):
        with pytest.raises(ValueError, match=f"has {len(proof)} hashes, not {len(wrong)}"):
            merkle.roots_from_consistency(old, new, ROOTS[old], wrong)


def test_a_consistency_proof_does_not_lead_to_the_roots_of_other_sizes():
    sizes = [(old, new) for new in range(1, 15) for old in range(1, new)]
    for of in sizes:
        proof = subproof(of[0], ENTRIES[: of[1]])
        for old, new in set(sizes) - {of}:
            assert reached(merkle.roots_from_consistency, old, new, ROOTS[old], proof) != (ROOTS[old], ROOTS[new])


def test_no_consistency_proof_of_a_log_whose_past_was_rewritten_leads_to_both_roots():
    for new in SMALL:
        for old in range(1, new):
            for at in range(old):
                forged = [*ENTRIES[:at], b"rewritten", *ENTRIES[at + 1 : new]]
                roots = merkle.roots_from_consistency(old, new, ROOTS[old], subproof(old, forged))
                assert roots != (ROOTS[old], mth(forged))


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (8, 7), (-1, 7)])
def test_a_leaf_outside_the_tree_has_no_inclusion_proof(index, size):
    with pytest.raises(ValueError, match=f"has no leaf {index}"):
        merkle.inclusion_proof(index, size, root_of)
    with pytest.raises(ValueError, match=f"has no leaf {index}"):
        merkle.root_from_inclusion(index, size, LEAVES[0], [])


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 5), (6, 5), (-1, 5)])
def test_sizes_that_are_no_growth_have_no_consistency_proof(old, new):
    with pytest.raises(ValueError, match=f"from size {old} to size {new}"):
        merkle.consistency_proof(old, new, root_of)
    with pytest.raises(ValueError, match=f"from size {old} to size {new}"):
        merkle.roots_from_consistency(old, new, ROOTS[0], [])
