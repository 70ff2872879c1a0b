"""Round trips are counted by cause."""

from remotesvc.testing.round_trips import RoundTrips


def exchange(rounds: RoundTrips) -> None:
    """Let the client ask and the server answer once."""
    rounds.reached_server(rounds.of_client())
    rounds.reached_client(rounds.of_server())


def test_each_question_that_waits_for_an_answer_is_one() -> None:
    rounds = RoundTrips()

    for _ in range(3):
        exchange(rounds)

    assert rounds.count == 3


def test_questions_that_do_not_wait_are_one_together() -> None:
    rounds = RoundTrips()
    questions = [rounds.of_client() for _ in range(5)]

    for question in questions:
        rounds.reached_server(question)
    answers = [rounds.of_server() for _ in range(5)]
    new = [rounds.reached_client(answer) for answer in answers]

    assert (rounds.count, new) == (1, [1, 0, 0, 0, 0])


def test_a_question_without_an_answer_is_none() -> None:
    rounds = RoundTrips()

    rounds.reached_server(rounds.of_client())

    assert rounds.count == 0


def test_a_greeting_is_one_whether_the_client_speaks_first_or_not() -> None:
    silent, eager = RoundTrips(), RoundTrips()
    eager.reached_server(eager.of_client())

    for rounds in (silent, eager):
        rounds.reached_client(rounds.of_server())

    assert silent.count == eager.count == 1


def test_reactions_to_parts_of_an_answer_do_not_count_twice() -> None:
    rounds = RoundTrips()
    rounds.reached_server(rounds.of_client())
    first_part, second_part = rounds.of_server(), rounds.of_server()
    rounds.reached_client(first_part)
    early_reaction = rounds.of_client()
    rounds.reached_client(second_part)
    late_reaction = rounds.of_client()

    rounds.reached_server(early_reaction)
    rounds.reached_server(late_reaction)
    rounds.reached_client(rounds.of_server())

    assert (early_reaction, late_reaction, rounds.count) == (2, 2, 2)


def test_an_answer_that_was_under_way_belongs_to_the_old_round() -> None:
    rounds = RoundTrips()
    exchange(rounds)
    question = rounds.of_client()
    unasked = rounds.of_server()
    rounds.reached_server(question)

    rounds.reached_client(unasked)

    assert rounds.count == 1
