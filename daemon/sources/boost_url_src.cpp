// The one compiled copy of Boost.URL.
#include <boost/url/src.hpp>
