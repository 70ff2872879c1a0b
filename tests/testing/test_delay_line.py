"""The delay line, with a clock of our own."""

from remotesvc.testing.delay_line import MAX_BYTES, DelayLine


def test_a_piece_comes_out_after_the_delay_and_not_before() -> None:
    line = DelayLine(5.0, opens_at=0.0)

    line.put(10.0, 1, b"data")

    assert line.next_due() == 15.0
    assert line.peek(14.9) is None
    piece = line.peek(15.0)
    assert piece is not None
    assert (piece.data, piece.round, piece.ending) == (b"data", 1, "")


def test_pieces_are_under_way_at_once_and_keep_their_order() -> None:
    line = DelayLine(5.0, opens_at=0.0)
    for second in range(3):
        line.put(float(second), 1, b"%d" % second)

    came = []
    for now in (5.0, 6.0, 7.0):
        piece = line.peek(now)
        assert piece is not None
        came.append(piece.data)
        line.delivered(1)
        assert line.peek(now) is None

    assert came == [b"0", b"1", b"2"]
    assert line.next_due() is None


def test_what_is_sent_before_the_line_opens_counts_as_sent_then() -> None:
    line = DelayLine(5.0, opens_at=100.0)

    line.put(1.0, 1, b"early")

    assert line.next_due() == 105.0


def test_a_piece_can_be_delivered_bit_by_bit() -> None:
    line = DelayLine(0.0, opens_at=0.0)
    line.put(0.0, 1, b"abc")
    line.put(0.0, 1, b"d")

    line.delivered(2)

    rest = line.peek(0.0)
    assert rest is not None
    assert rest.data == b"c"


def test_an_ending_waits_for_the_data_before_it() -> None:
    line = DelayLine(1.0, opens_at=0.0)
    line.put(0.0, 1, b"last")
    line.put(0.0, 1, b"", "end")

    line.delivered(4)

    piece = line.peek(1.0)
    assert piece is not None
    assert piece.ending == "end"
    line.delivered(0)
    assert line.next_due() is None


def test_a_sender_too_far_ahead_has_to_wait() -> None:
    line = DelayLine(1.0, opens_at=0.0)
    was_full = []

    line.put(0.0, 1, bytes(MAX_BYTES - 1))
    was_full.append(line.is_full)
    line.put(0.0, 1, b"x")
    was_full.append(line.is_full)
    line.delivered(1)
    was_full.append(line.is_full)

    assert was_full == [False, True, False]
