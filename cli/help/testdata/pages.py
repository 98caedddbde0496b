"""Prints help pages of AWS's CLI, as JSON by the arguments that show them.

Standard input has the service's name and model, and the lists of arguments. In the model each member gets a word of
prose, because a page without any is laid out by accident.
"""
import json
import os
import re
import sys
import tempfile


def write_model(service, model, directory):
    for name, o in model['operations'].items():
        o.update(name=name, http={'method': 'POST', 'requestUri': '/'}, documentation='<p>Prose.</p>', errors=[],
                 input={'shape': o['input']}, output={'shape': o['output']})
    for shape in model['shapes'].values():
        for member in shape.get('members', {}).values():
            member['documentation'] = '<p>Prose.</p>'
    model['version'] = '2.0'
    to = os.path.join(directory, service, model['metadata']['apiVersion'])
    os.makedirs(to)
    with open(os.path.join(to, 'service-2.json'), 'w') as f:
        json.dump(model, f)


def main(directory):
    given = json.load(sys.stdin)
    write_model(given['service'], json.loads(given['model']), directory)
    os.environ.update(AWS_DATA_PATH=directory, HOME=directory, AWS_EC2_METADATA_DISABLED='true')
    from awscli import help
    from awscli.clidriver import create_clidriver
    pages, page = {}, []
    help.PosixHelpRenderer._send_output_to_pager = lambda self, output: page.append(output.decode())
    driver = create_clidriver()
    for args in given['pages']:
        page.clear()
        driver.main(args.split())
        pages[args] = re.sub('.\x08', '', page[0])
    json.dump(pages, sys.stdout)


with tempfile.TemporaryDirectory() as directory:
    main(directory)
