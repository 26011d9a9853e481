"""Words that the rules of reading share, as parts of patterns."""

from __future__ import annotations


def any_of(words: str) -> str:
    """A pattern that matches any of some words. Blanks separate them, an underscore is a blank inside of one.

    >>> any_of("is go_with")
    '(?:is|go with)'
    """
    return f"(?:{'|'.join(words.split()).replace('_', ' ')})"


# What a label is said of: a positive sentiment, a sports article
NOUN = any_of(
    """side(?!_effect) sentiments? tone emotions? feelings? mood polarity attitude opinion stance articles? news
    story report topic category class labels? section tweets? posts? reviews? messages? texts? sms sentences?
    statements? questions? answers? ones? relation relationship type kind connotations? language comments? remark
    view light manner way sense case piece content e-?mail vibes? context nature domain field judge?ment
    evaluation classification"""
)

# No nouns: before these, a name is not the first half of a compound.
FUNCTION_WORD = any_of(
    """premise hypothesis in on at of for to about towards? with without by from as because since due and or but nor
    than rather instead so if when where while that which who this it i is are was were would not overall here
    too also though although however given based between despite even only now then there per via enough the a an
    your my its their his her these those all any both each no some rating out stars? points? whether how what
    why until after before into over under like such may might must should could can will has have had does do
    did und oder et ou y o e"""
)

# What comes before an answer: the tweet is positive, I'd say positive, it falls under sports
VERB = any_of(
    r"""is are was were be been being \w+n't seems? appears? looks? sounds? reads? feels? felt leans? leaning tends?
    skews? remains? becomes? express(?:es|ed|ing)? convey(?:s|ed|ing)? shows? showing displays?
    indicat(?:es?|ing) suggest(?:s|ing)? reflect(?:s|ing)? exhibits? demonstrates? communicates? say choose
    chose pick select answers? labels? calls? classif(?:y|ied|ies) categori[sz]e[sd]? considere?d? deem(?:ed)?
    rated? tag(?:ged)? mark(?:ed)? predict(?:ed)? vote prefer guess believe think senses? detect perceive means?
    makes? meant meaning equals belongs? falls? go(?:es|ing)?_with pertains? relate[sd]? refers? concerns?
    discuss(?:es)? covers? focus(?:es|ed)? deals?_with talks?_about ask(?:s|ing)? seek(?:s|ing)?
    requir(?:es|ing) requests? wants? achieve fits? matches class category sentiment topic emotion relation
    relationship classification verdict as under option choice without no not never non lacks? neither nor than
    ist est c'est es è é são geht"""
)

# What may stand between that and the answer: is (clearly a more) positive, belongs (to the category of) sports
MODIFIER = any_of(
    r"""a an the nothing but like much very more most less so quite somewhat rather fairly pretty really just still
    only also even too both either neither nor or and not no non never n't bit little kind sort of form types?
    case example one in as about to be being been have has had any some certain strong clear overall general
    mild slight likely unlikely best better it this that i would say category class label topic group field area
    domain section genre under into with for on by considered classified categori[sz]ed labell?ed described seen
    regarded meant interpreted taken tagged tweet post text message article sentence review question pair than
    from um die der das le la el il un una une ein eine towards? indeed \w+ly"""
)

# What may stand before a label that opens a sentence: Sure! Overall, definitely positive
OPENING_WORD = any_of(
    r"""sure yes about okay ok well so oh hmm ah certainly absolutely of_course then thus therefore hence overall
    maybe perhaps very most more mostly likely somewhat quite rather pretty slightly both either neither not no
    non never without super kinda a_bit a_little all just still strong towards? très sehr muy molto no_doubt
    without_(?:a_|any_)?doubt if_anything indeed \w+ly"""
)

# Between the subject and a name that is a verb: the premise (does not) entail
AUXILIARY = any_of(
    r"""also do does did not never can cannot could may might would must will neither nor either both fails? failed
    to \w+ly \w+n't"""
)
