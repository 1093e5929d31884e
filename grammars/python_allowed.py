"""What a Python program may name: plain data, read by the rules of ``python_safety`` and ``python_scope``.

Whatever is not here is refused. Methods are allowed by their name alone, whatever they are called on, so a name
enters
only if it is harmless on every object a program can reach: a frame, a text, a number, a match, an exception. Nothing
here reads or writes a file, evaluates a text, gives a frame's or an object's insides, or takes a pointer.
"""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """The words of a text.

    Example:
        >>> sorted(words("sum mean"))
        ['mean', 'sum']
    """
    return frozenset(text.split())


NODES = words("""
    Module FunctionDef arguments arg Return Delete Assign AugAssign AnnAssign For While If Raise Try Assert Import
    ImportFrom alias Expr Pass Break Continue Nonlocal ExceptHandler comprehension keyword
    BoolOp NamedExpr BinOp UnaryOp Lambda IfExp Dict Set ListComp SetComp DictComp GeneratorExp Compare Call
    FormattedValue JoinedStr Constant Attribute Subscript Starred Name List Tuple Slice
    Load Store Del And Or Add Sub Mult Div Mod Pow LShift RShift BitOr BitXor BitAnd FloorDiv Invert Not UAdd USub
    Eq NotEq Lt LtE Gt GtE Is IsNot In NotIn
    """)

CALLS = ("qa_map", "qa_ans")

# The modules a program finds defined, by the name it finds them under.
GIVEN = {
    "pd": "pandas",
    "np": "numpy",
    **{name: name for name in words("re math datetime collections itertools statistics functools")},
}

BUILTINS = words("""
    abs all any ascii bin bool bytes callable chr complex dict divmod enumerate filter float format frozenset hash hex
    int isinstance iter len list map max min next oct ord pow print range repr reversed round set slice sorted str sum
    tuple zip True False None NotImplemented Ellipsis
    Exception ArithmeticError AssertionError AttributeError IndexError KeyError LookupError NameError OverflowError
    RuntimeError StopIteration TypeError UnicodeError ValueError ZeroDivisionError
    """)

# What may be made of a module's name: a dot in a member is one more step.
MEMBERS = {
    "pandas": words("""
        BooleanDtype Categorical CategoricalDtype CategoricalIndex DataFrame DateOffset DatetimeIndex Float64Dtype
        Grouper Index IndexSlice Int64Dtype Interval IntervalIndex MultiIndex NA NaT NamedAgg Period PeriodIndex
        RangeIndex Series StringDtype Timedelta TimedeltaIndex Timestamp array bdate_range concat crosstab cut
        date_range factorize from_dummies get_dummies infer_freq interval_range isna isnull json_normalize melt merge
        merge_asof merge_ordered notna notnull period_range pivot pivot_table qcut timedelta_range to_datetime
        to_numeric to_timedelta unique wide_to_long
        api.types.is_bool_dtype api.types.is_datetime64_any_dtype api.types.is_float api.types.is_float_dtype
        api.types.is_integer api.types.is_integer_dtype api.types.is_list_like api.types.is_number
        api.types.is_numeric_dtype api.types.is_object_dtype api.types.is_scalar api.types.is_string_dtype
        offsets.BDay offsets.Day offsets.Hour offsets.Minute offsets.MonthBegin offsets.MonthEnd offsets.Week
        offsets.YearBegin offsets.YearEnd errors.ParserError errors.OutOfBoundsDatetime
        """),
    "numpy": words("""
        abs absolute all allclose amax amin any append arange arccos arcsin arctan arctan2 argmax argmin argsort
        argwhere
        around array array_equal array_split asarray average bincount bool bool_ cbrt ceil clip column_stack
        concatenate copy corrcoef cos cosh count_nonzero cov cross cumprod cumsum datetime64 deg2rad degrees delete
        diff
        digitize divide dot dstack e ediff1d empty_like equal exp expand_dims expm1 eye fabs flatnonzero flip float32
        float64 floor floor_divide floating fmax fmin fmod full full_like gcd gradient greater greater_equal histogram
        hstack hypot inf insert int16 int32 int64 int8 int_ integer interp intersect1d isclose isfinite isin isinf
        isnan
        isnat issubdtype isscalar lcm less less_equal lexsort linalg.norm linspace log log10 log1p log2 logical_and
        logical_not logical_or logical_xor logspace max maximum mean median meshgrid min minimum mod multiply nan
        nan_to_num nanargmax nanargmin nancumsum nanmax nanmean nanmedian nanmin nanpercentile nanprod nanquantile
        nanstd nansum nanvar ndenumerate ndim negative newaxis nonzero not_equal number object_ ones ones_like
        outer percentile pi polyfit polyval positive power prod ptp quantile rad2deg radians ravel reciprocal
        remainder
        repeat reshape rint roll round searchsorted select setdiff1d setxor1d shape sign sin sinh size sort split sqrt
        square squeeze stack std str_ subtract sum take tan tanh tile timedelta64 trace transpose trapezoid
        true_divide
        trunc uint16 uint32 uint64 uint8 union1d unique unravel_index var vectorize vstack where zeros zeros_like
        """),
    "re": words("""
        A ASCII DOTALL I IGNORECASE M MULTILINE Match Pattern S U UNICODE VERBOSE X compile error escape findall
        finditer
        fullmatch match search split sub subn
        """),
    "math": words("""
        acos acosh asin asinh atan atan2 atanh cbrt ceil comb copysign cos cosh degrees dist e erf exp exp2 expm1 fabs
        factorial floor fmod frexp fsum gamma gcd hypot inf isclose isfinite isinf isnan isqrt lcm ldexp log log10
        log1p
        log2 modf nan nextafter perm pi pow prod radians remainder sin sinh sqrt tan tanh tau trunc ulp
        """),
    "datetime": words("MAXYEAR MINYEAR UTC date datetime time timedelta timezone"),
    "collections": words("ChainMap Counter OrderedDict defaultdict deque"),
    "itertools": words("""
        accumulate chain combinations combinations_with_replacement compress count cycle dropwhile filterfalse groupby
        islice pairwise permutations product repeat starmap takewhile tee zip_longest
        """),
    "statistics": words("""
        StatisticsError correlation covariance fmean geometric_mean harmonic_mean linear_regression mean median
        median_grouped median_high median_low mode multimode pstdev pvariance quantiles stdev variance
        """),
    "functools": words("cmp_to_key partial reduce"),
}

# Classes that are written in Python: a program calls them, and has them in no other way, since it could change them.
CHANGEABLE = {
    "pandas": frozenset(name for name in MEMBERS["pandas"] if name[:1].isupper() and name not in ("NA", "NaT")),
    "collections": frozenset(("ChainMap", "Counter", "OrderedDict")),
    "statistics": frozenset(("StatisticsError",)),
    "numpy": frozenset(("vectorize", "ndenumerate")),
}

METHODS = words(
    # frames, series, indexes, groups and windows
    """
    T abs add add_prefix add_suffix agg aggregate align all any apply argmax argmin argsort array asfreq asof assign
    astype at at_time autocorr axes between between_time bfill case_when cat categories ceil clip codes columns
    combine
    combine_first compare convert_dtypes copy corr corrwith count cov cumcount cummax cummin cumprod cumsum delete
    describe
    diff difference div divide dot drop drop_duplicates droplevel dropna dt dtype dtypes duplicated empty eq equals
    ewm
    expanding explode factorize ffill fillna filter first first_valid_index floor floordiv from_arrays from_dict
    from_frame from_product from_records from_tuples ge get get_group get_indexer get_level_values get_loc groupby
    groups
    gt has_duplicates hasnans head iat identical idxmax idxmin iloc index infer_objects insert interpolate
    intersection
    is_monotonic_decreasing is_monotonic_increasing is_unique isin isna isnull item items iterrows itertuples join
    keys
    kurt kurtosis last last_valid_index le left levels loc lt map mask max mean median melt merge min mod mode mul
    multiply name names ndim ne ngroup ngroups nlargest nlevels notna notnull nsmallest nth nunique ohlc pct_change
    pivot
    pivot_table pop pow prod product quantile rank reindex reindex_like rename rename_axis rename_categories
    reorder_categories reorder_levels repeat replace resample reset_index right rolling round rsub rdiv radd rmul rpow
    sample searchsorted select_dtypes sem set_axis set_categories set_index set_names shape shift size skew sort
    sort_index
    sort_values squeeze stack std str sub subtract sum swaplevel symmetric_difference tail take to_dict to_flat_index
    to_frame to_list to_numpy to_period to_pydatetime to_pytimedelta to_series to_timestamp tolist transform transpose
    truediv truncate union unique unstack update value_counts values var where xs as_ordered as_unordered
    add_categories remove_categories remove_unused_categories
    """
    # arrays and scalars
    + "flatten nonzero ravel reshape real imag conjugate is_integer as_integer_ratio bit_length numerator denominator"
    # moments and spans of time
    + """
    astimezone combine ctime date day day_name day_of_week day_of_year dayofweek dayofyear days days_in_month
    daysinmonth components end_time freq fromisocalendar fromisoformat fromordinal fromtimestamp hour is_leap_year
    is_month_end is_month_start is_quarter_end is_quarter_start is_year_end is_year_start isocalendar isoformat
    isoweekday length microsecond microseconds minute month month_name nanosecond nanoseconds normalize now overlaps
    quarter second seconds start_time strftime strptime time timestamp timetz to_timedelta64 to_datetime64 today
    toordinal total_seconds tz tz_convert tz_localize tzinfo utc utcnow utcoffset value week weekday year mid closed
    """
    # texts; `format` has a rule of its own
    + """
    capitalize casefold center contains decode encode endswith expandtabs extract extractall find findall format
    fullmatch get_dummies index isalnum isalpha isascii isdecimal isdigit isidentifier islower isnumeric isprintable
    isspace istitle isupper len ljust lower lstrip maketrans match pad partition removeprefix removesuffix rfind
    rindex
    rjust rpartition rsplit rstrip slice slice_replace split splitlines startswith strip swapcase title translate
    upper
    wrap zfill
    """
    # lists, dicts, sets, counters, queues
    + """
    append appendleft clear count discard elements extend extendleft from_iterable fromkeys isdisjoint issubset
    issuperset most_common move_to_end popitem total popleft remove reverse rotate setdefault difference_update
    intersection_update symmetric_difference_update
    """
    # patterns and matches
    + "end finditer fullmatch group groupdict groupindex lastgroup lastindex pattern search span start string sub subn"
)

# The attributes that a program may set, on what it made itself.
SETTABLE = words("columns index name names")

# What `agg`, `apply` and the like may be told by its name instead of a function.
AGGREGATES = words("""
    abs all any count cumcount cummax cummin cumprod cumsum diff ffill bfill first idxmax idxmin last max mean median
    min
    mode nunique pct_change prod product quantile rank sem shift size skew std sum unique value_counts var kurt
    """)

DTYPES = words("""
    bool boolean category complex datetime64 datetime64[D] datetime64[h] datetime64[m] datetime64[ms] datetime64[ns]
    datetime64[s] datetime64[us] float float16 float32 float64 Float32 Float64 int int8 int16
    int32 int64 Int8 Int16 Int32 Int64 object str string string[python] string[pyarrow] timedelta64 timedelta64[ns]
    timedelta64[s] timedelta64[D] uint8 uint16 uint32 uint64 UInt8 UInt16 UInt32 UInt64 U O f i f4 f8 i4 i8 number
    period[D] period[M] period[Y] period[Q]
    """)

# What LMs write most often of what is refused, and what to write instead.
INSTEAD = {
    "query": 'write the condition in brackets: table[table["year"] > 2000]',
    "eval": 'write the arithmetic itself: table["a"] + table["b"]',
    "pipe": "call the function with the table",
    "print": "return the answer",
    "type": "write isinstance(value, str)",
    "getattr": "write the attribute or the column itself",
    "hasattr": 'write "year" in table.columns',
    "open": "the table is given to `solve`; a program reads no files",
    "input": "the table is given to `solve`",
    "lookup": "write [table.at[row, column] for row, column in zip(rows, columns)]",
    "to_string": "return the value itself",
    "to_json": "return the value itself, or to_dict()",
    "style": "return the value itself",
    "plot": "return the value itself",
    "format_map": "write an f-string",
    "random": "a program gives the same answer each time",
    "sleep": "a program does not wait",
    "set_option": "leave it out",
}
