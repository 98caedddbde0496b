package image

var CheckRedirect = checkRedirect
